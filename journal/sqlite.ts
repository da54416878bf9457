/** The embedded journal: one SQLite file that belongs to this process. */
import { Kysely, sql } from 'kysely';
import { PerdureError } from '../contracts/perdure-error.ts';
import { createJournal } from './journal.ts';
import { migrateDatabase } from './migrations/run.ts';
import type { MigrationCommand, MigrationStatus } from './migrations/run.ts';
import type { Journal } from './port.ts';
import { SqliteClient } from './sqlite/client.ts';
import { sqliteDialect, ThreadDriver } from './sqlite/driver.ts';
import { inProcessFeed } from './sqlite/emitter.ts';
import { faultOf } from './sqlite/faults.ts';
import { lockFile } from './sqlite/lock.ts';
import type { SqliteSettings } from './sqlite/statements.ts';
import { SILENT } from './store.ts';
import type { JournalLog, OnBatch, Store } from './store.ts';
import type { Tables } from './tables.ts';

export interface SqliteJournalOptions extends SqliteSettings {
  readonly log?: JournalLog;
  /** Told of every committed batch, for figures. */
  readonly onBatch?: OnBatch | undefined;
  /** Epoch milliseconds; for tests that wait for leases. */
  readonly now?: () => number;
}

/**
 * Opens (and where needed creates and migrates) the journal in `file`.
 * @throws journal_unavailable where another process has it open, or it cannot be read or written
 */
export async function openSqliteJournal({
  log = SILENT,
  now = Date.now,
  onBatch,
  ...settings
}: SqliteJournalOptions): Promise<Journal> {
  const store = await openStore(settings, { log, now, onBatch });
  try {
    await migrateDatabase(store, 'up');
    return await createJournal(store);
  } catch (error) {
    await store.close();
    throw error;
  }
}

/** Runs a migration command on a journal that nobody has open. @throws journal_unavailable */
export async function migrateSqlite(
  file: string,
  command: MigrationCommand,
): Promise<readonly MigrationStatus[]> {
  const store = await openStore({ file, synchronous: 'full' }, { log: SILENT, now: Date.now });
  try {
    return await migrateDatabase(store, command);
  } finally {
    await store.close();
  }
}

async function openStore(
  settings: SqliteSettings,
  { log, now, onBatch }: Pick<Store, 'log' | 'now' | 'onBatch'>,
): Promise<Store> {
  const lock = lockFile(settings.file);
  try {
    const client = await SqliteClient.open(settings);
    const close = async () => {
      await client.close();
      lock[Symbol.dispose]();
    };
    const writer = new ThreadDriver(client, 'writer');
    const reader = new ThreadDriver(client, 'reader');
    const connect = (driver: ThreadDriver) =>
      new Kysely<Tables>({ dialect: sqliteDialect(driver) });
    return {
      dialect: 'sqlite',
      db: connect(writer),
      reader: connect(reader),
      changes: inProcessFeed(),
      log,
      now,
      databaseClock: false,
      onBatch,
      faultOf,
      batch: (reads, decide) => writer.batch(reads, decide),
      // A page is written, even where it stays the same. Nobody else uses this number.
      writable: sql`pragma user_version = 0`,
      close,
    };
  } catch (error) {
    lock[Symbol.dispose]();
    throw new PerdureError(
      'journal_unavailable',
      `The journal ${settings.file} cannot be opened: ${(error as Error).message}`,
      { cause: error },
    );
  }
}
