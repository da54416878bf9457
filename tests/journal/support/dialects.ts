import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Journal } from '../../../journal/port.ts';
import { migrate } from '../../../journal/migrate.ts';
import { openPostgresJournal } from '../../../journal/postgres.ts';
import { openSqliteJournal } from '../../../journal/sqlite.ts';
import { postgresDatabase } from '../../support/database.ts';

export interface Database extends AsyncDisposable {
  /** Opens the journal; with PostgreSQL any number of times, each with its own connections. */
  open(now?: () => number): Promise<Journal>;
}

/** An empty database, and how to open a journal on it. */
export interface Dialect {
  readonly name: 'sqlite' | 'postgres';
  database(): Promise<Database>;
}

export const sqlite: Dialect = {
  name: 'sqlite',
  async database() {
    const folder = await mkdtemp(join(tmpdir(), 'perdure-journal-'));
    return {
      open: (now) =>
        openSqliteJournal({
          file: join(folder, 'journal.db'),
          synchronous: 'normal',
          ...(now && { now }),
        }),
      [Symbol.asyncDispose]: () => rm(folder, { recursive: true }),
    };
  },
};

export const postgres: Dialect = {
  name: 'postgres',
  async database() {
    const database = await postgresDatabase();
    await migrate({ url: database.url }, 'up');
    return {
      open: (now) => openPostgresJournal({ url: database.url, poolSize: 4, ...(now && { now }) }),
      [Symbol.asyncDispose]: () => database[Symbol.asyncDispose](),
    };
  },
};

/** A journal on an empty database of its own. */
export async function emptyJournal(
  dialect: Dialect,
  now?: () => number,
): Promise<{ journal: Journal; database: Database } & AsyncDisposable> {
  const database = await dialect.database();
  const journal = await database.open(now);
  return {
    journal,
    database,
    async [Symbol.asyncDispose]() {
      await journal.close();
      await database[Symbol.asyncDispose]();
    },
  };
}
