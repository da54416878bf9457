/**
 * The journal: facts, in SQL. One implementation, two dialects (SQLite embedded, PostgreSQL for the fleet).
 *
 * Law: every fact is introduced once and settled once; of a step's attempts only the newest may write.
 * All methods throw {@link PerdureError} `journal_unavailable` when the database cannot be reached.
 */
import type { Approvals } from './port-approvals.ts';
import type { BreakerStore, CredentialStore } from './port-credentials.ts';
import type { EventLog } from './port-events.ts';
import type { Ledger } from './port-ledger.ts';
import type { Runners } from './port-runners.ts';
import type { McpManifests } from './port-mcp.ts';
import type { SessionStore } from './port-sessions.ts';
import type { Artifacts, Audit, Contexts, Keys } from './port-shelves.ts';
import type { StepStore } from './port-steps.ts';

export type * from './port-approvals.ts';
export type * from './port-credentials.ts';
export type * from './port-events.ts';
export * from './port-ledger.ts';
export type * from './port-runners.ts';
export type * from './port-mcp.ts';
export type * from './port-sessions.ts';
export * from './port-shelves.ts';
export * from './port-steps.ts';

export interface Journal {
  readonly dialect: 'sqlite' | 'postgres';
  readonly sessions: SessionStore;
  readonly steps: StepStore;
  readonly ledger: Ledger;
  readonly approvals: Approvals;
  readonly runners: Runners;
  readonly events: EventLog;
  readonly artifacts: Artifacts;
  readonly contexts: Contexts;
  readonly keys: Keys;
  readonly audit: Audit;
  readonly credentials: CredentialStore;
  readonly breakers: BreakerStore;
  readonly mcpManifests: McpManifests;
  /**
   * One round trip to the database, which shows that it takes writes; and what became of the last one to a session, if it failed a moment ago.
   * @throws journal_unavailable
   */
  ping(): Promise<void>;
  /** Flushes what is under way and leaves no handle open. */
  close(): Promise<void>;
}
