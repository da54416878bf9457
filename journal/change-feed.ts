/** How readers hear of commits: an in-process emitter for SQLite, LISTEN / NOTIFY for PostgreSQL. */
import type { PerdureEvent } from '../contracts/events.ts';
import type { SessionId } from '../contracts/ids.ts';
import type { ContextRow } from './port.ts';

/** What one transaction changed. */
export interface Committed {
  /** The new events by session, in order. */
  readonly events: ReadonlyMap<SessionId, readonly PerdureEvent[]>;
  /** Sessions in which an attempt lost its right to write. */
  readonly closed: readonly SessionId[];
  /** Sessions in which a remote call was offered, claimed or settled. */
  readonly remote: readonly SessionId[];
}

export interface Listener {
  /** New events; all of them where the feed carries events, else only the news that there are some. */
  appended(sessionId: SessionId, events: readonly PerdureEvent[] | undefined): void;
  closed(sessionId: SessionId): void;
  remote(sessionId: SessionId): void;
  contextChanged(row: ContextRow): void;
  /** News may have been missed: look at everything that is watched. */
  missed(): void;
}

export interface ChangeFeed {
  /** After the commit, in the order of the commits. */
  publish(committed: Committed): void;
  publishContext(row: ContextRow): void;
  /** The one listener of this process. */
  listen(listener: Listener): Promise<void>;
  close(): Promise<void>;
}
