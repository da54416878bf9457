/** What the two dialects offer to the rest of the journal. */
import { setTimeout as delay } from 'node:timers/promises';
import type { CompiledQuery, Kysely, RawBuilder, Transaction } from 'kysely';
import type { PerdureEvent } from '../contracts/events.ts';
import type { Tables } from './tables.ts';
import type { ChangeFeed } from './change-feed.ts';
import { PerdureError } from '../contracts/perdure-error.ts';

export type Dialect = 'sqlite' | 'postgres';

/**
 * `retry`: the database chose this transaction as a victim; the same statements may pass now. `data`: it refused a value.
 * `unavailable`: it cannot be reached or cannot write. `bug`: anything else.
 */
export type Fault = 'retry' | 'data' | 'unavailable' | 'bug';

/** Takes the same calls as a pino logger. */
export interface JournalLog {
  warn(fields: object, message: string): void;
}

/** One committed transaction of the group commit, for figures. */
export interface CommittedBatch {
  readonly operations: number;
  /** From its beginning to its commit, milliseconds. */
  readonly ms: number;
  readonly events: readonly PerdureEvent[];
}

export type OnBatch = (batch: CommittedBatch) => void;

export const SILENT: JournalLog = { warn() {} };

/** The rows of one statement. */
export type Rows = readonly object[];

export interface Store {
  readonly dialect: Dialect;
  /** For transactions and single writes. */
  readonly db: Kysely<Tables>;
  /** For reads outside of transactions: they wait for no writer. */
  readonly reader: Kysely<Tables>;
  readonly changes: ChangeFeed;
  readonly log: JournalLog;
  /** Must not throw. */
  readonly onBatch?: OnBatch | undefined;
  /** This process's clock, epoch milliseconds. */
  now(): number;
  /** Whether the database's clock counts where processes have to agree (database-clock.ts), instead of each one's own. */
  readonly databaseClock: boolean;
  /**
   * One transaction in two exchanges with the database: the reads go out together, and so do the writes that `decide` makes of their
   * rows, with the commit.
   * @throws the database's own error, or what `decide` throws: then nothing is written
   */
  batch(
    reads: readonly CompiledQuery[],
    decide: (answers: readonly Rows[]) => readonly CompiledQuery[],
  ): Promise<void>;
  /** A statement that fails where nothing can be written. */
  readonly writable: RawBuilder<unknown>;
  faultOf(error: unknown): Fault;
  /**
   * Whether a transaction whose connection broke was committed; undefined where nobody can tell. Absent where a commit cannot be
   * left in doubt.
   */
  committed?(transaction: string): Promise<boolean | undefined>;
  close(): Promise<void>;
}

export type Tx = Transaction<Tables>;

/** Deadlocks and serialisation failures in a row before the caller hears of it. */
const MAX_TRIES = 8;
const FIRST_WAIT_MS = 2;

/** Runs a transaction, again where the database asks for it. @throws the database's own error */
export async function retrying<T>(store: Store, transaction: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await transaction();
    } catch (error) {
      if (store.faultOf(error) !== 'retry' || tries === MAX_TRIES) throw error;
      await delay(Math.random() * FIRST_WAIT_MS * 2 ** tries);
    }
  }
}

/** One transaction outside of the group commit. @throws journal_unavailable, invalid_input */
export async function transact<T>(store: Store, work: (tx: Tx) => Promise<T>): Promise<T> {
  try {
    return await retrying(store, () => store.db.transaction().execute(work));
  } catch (error) {
    throw explain(store, error);
  }
}

/** Runs a statement or a few that need no transaction. */
export async function reach<T>(store: Store, work: (db: Kysely<Tables>) => Promise<T>): Promise<T> {
  try {
    return await work(store.reader);
  } catch (error) {
    throw explain(store, error);
  }
}

/** The error that leaves the journal for one that its database raised. */
export function explain(store: Store, error: unknown): unknown {
  const fault = store.faultOf(error);
  if (fault === 'bug') return error;
  const cause = error as Error;
  const code = fault === 'data' ? 'invalid_input' : 'journal_unavailable';
  return new PerdureError(code, `The journal's database says: ${cause.message}`, { cause });
}
