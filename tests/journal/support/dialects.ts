import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import pg from 'pg';
import type { Journal } from '../../../journal/port.ts';
import { migrate } from '../../../journal/migrate.ts';
import { openPostgresJournal } from '../../../journal/postgres.ts';
import { openSqliteJournal } from '../../../journal/sqlite.ts';
import { postgresDatabase } from '../../support/database.ts';

export interface Database extends AsyncDisposable {
  /** Opens the journal; with PostgreSQL any number of times, each with its own connections. */
  open(now?: () => number): Promise<Journal>;
  /** Runs a statement past the journal, to put it into a state that only time or an older release brings. */
  execute(statement: string): Promise<void>;
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
      async execute(statement) {
        using file = new DatabaseSync(join(folder, 'journal.db'), { timeout: 5_000 });
        file.exec(statement);
      },
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
      async execute(statement) {
        const client = new pg.Client({
          connectionString: database.url,
          options: '-c search_path=perdure',
        });
        await client.connect();
        await client.query(statement);
        await client.end();
      },
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
