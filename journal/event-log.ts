/** The log of events, and what is read from it. */
import { compactedTranscript } from './compacted.ts';
import { seenTurn } from './end-lost-session.ts';
import type { GroupCommit } from './group-commit.ts';
import type { Hub } from './hub.ts';
import { recordFacts } from './operations/record.ts';
import type { EventLog } from './port.ts';
import { pruneTurns } from './prune.ts';
import { readPage } from './read.ts';
import type { Store } from './store.ts';
import { tail } from './tail.ts';
import { knownMessage, queuedMessages, transcript } from './transcript.ts';

export const eventLog = (store: Store, commits: GroupCommit, hub: Hub): EventLog => ({
  async record(sessionId, facts) {
    const ends = facts.some(({ event }) => event.type === 'session.ended');
    const open = ends ? await seenTurn(store, sessionId) : undefined;
    await commits.submit(recordFacts(sessionId, facts, open), { urgent: true, patienceMs: 0 });
  },
  read: (sessionId, options) => readPage(store, sessionId, options),
  tail: (sessionId, options) => tail({ store, hub }, sessionId, options),
  transcript: (sessionId, options = {}) => transcript(store, sessionId, options),
  compacted: (sessionId, known) => compactedTranscript(store, sessionId, known),
  queued: (sessionId) => queuedMessages(store, sessionId),
  message: (sessionId, messageId) => knownMessage(store, sessionId, messageId),
  prune: ({ olderThanMs, limit }) =>
    pruneTurns(store, { before: store.now() - olderThanMs, limit }),
});
