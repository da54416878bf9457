/** Puts a journal together from what its dialect offers. */
import type { SessionId } from '../contracts/ids.ts';
import { approvals } from './approvals.ts';
import { artifacts } from './artifacts.ts';
import { audit } from './audit.ts';
import { breakers } from './breakers.ts';
import { Closing } from './closing.ts';
import { contexts } from './contexts.ts';
import { credentials } from './credentials.ts';
import { eventLog } from './event-log.ts';
import { GroupCommit } from './group-commit.ts';
import { Hub } from './hub.ts';
import { keys } from './keys.ts';
import { ledger } from './ledger.ts';
import { mcpManifests } from './mcp-manifests.ts';
import type { ContextRow, Journal } from './port.ts';
import { sessions } from './sessions.ts';
import { steps } from './steps.ts';
import { runners } from './runners.ts';
import { reach } from './store.ts';
import type { Store } from './store.ts';
import { Subscribers } from './subscribers.ts';

export async function createJournal(store: Store): Promise<Journal> {
  const commits = new GroupCommit(store);
  const hub = new Hub(store);
  const closing = new Closing(store);
  const subscribers = new Subscribers<ContextRow>();
  const remote = new Subscribers<SessionId | null>();
  await store.changes.listen({
    appended: (sessionId, events) => hub.appended(sessionId, events),
    closed: (sessionId) => closing.closed(sessionId),
    remote: (sessionId) => remote.publish(sessionId),
    contextChanged: (row) => subscribers.publish(row),
    missed() {
      hub.missed();
      closing.missed();
      remote.publish(null);
    },
  });
  return {
    dialect: store.dialect,
    sessions: sessions(store, commits),
    steps: steps(commits, closing),
    ledger: ledger(store, commits, { closing, remote }),
    approvals: approvals(store, commits),
    runners: runners(store),
    events: eventLog(store, commits, hub),
    artifacts: artifacts(store),
    contexts: contexts(store, subscribers),
    keys: keys(store),
    audit: audit(store),
    credentials: credentials(store),
    breakers: breakers(store),
    mcpManifests: mcpManifests(store),
    async ping() {
      await reach(store, () => store.writable.execute(store.db));
      commits.check();
    },
    async close() {
      await commits.close();
      await store.changes.close();
      await store.close();
    },
  };
}
