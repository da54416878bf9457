/** The log of events, and what is read from it. */
import { compactedTranscript } from './compacted.ts';
import type { GroupCommit } from './group-commit.ts';
import type { Hub } from './hub.ts';
import { recordFacts } from './operations/record.ts';
import type { EventLog } from './port.ts';
import { pruneTurns } from './prune.ts';
import { readPage } from './read.ts';
import type { Store } from './store.ts';
import { tail } from './tail.ts';
import { messageContent, queuedMessages, transcript } from './transcript.ts';

export const eventLog = (store: Store, commits: GroupCommit, hub: Hub): EventLog => ({
  record: (sessionId, facts) =>
    commits.submit(recordFacts(sessionId, facts), { urgent: true, patienceMs: 0 }),
  read: (sessionId, options) => readPage(store, sessionId, options),
  tail: (sessionId, options) => tail({ store, hub }, sessionId, options),
  transcript: (sessionId, options = {}) => transcript(store, sessionId, options),
  compacted: (sessionId, known) => compactedTranscript(store, sessionId, known),
  queued: (sessionId) => queuedMessages(store, sessionId),
  message: (sessionId, messageId) => messageContent(store, sessionId, messageId),
  prune: ({ olderThanMs, limit }) =>
    pruneTurns(store, { before: store.now() - olderThanMs, limit }),
});
