import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import pg from 'pg';
import type { Journal } from '../../../journal/port.ts';
import type { OnBatch } from '../../../journal/store.ts';
import { migrate } from '../../../journal/migrate.ts';
import { openPostgresJournal } from '../../../journal/postgres.ts';
import { openSqliteJournal } from '../../../journal/sqlite.ts';
import { postgresDatabase } from '../../support/database.ts';

export interface Database extends AsyncDisposable {
  /** Opens the journal; with PostgreSQL any number of times, each with its own connections. */
  open(now?: () => number, onBatch?: OnBatch): Promise<Journal>;
  /** Runs a statement past the journal, to put it into a state that only time or an older release brings. */
  execute(statement: string): Promise<void>;
}

/** An empty database, and how to open a journal on it. */
export interface Dialect<D extends Database = Database> {
  readonly name: 'sqlite' | 'postgres';
  database(): Promise<D>;
}

export const sqlite: Dialect = {
  name: 'sqlite',
  async database() {
    const folder = await mkdtemp(join(tmpdir(), 'perdure-journal-'));
    return {
      open: (now, onBatch) =>
        openSqliteJournal({
          file: join(folder, 'journal.db'),
          synchronous: 'normal',
          ...(now && { now }),
          onBatch,
        }),
      async execute(statement) {
        using file = new DatabaseSync(join(folder, 'journal.db'), { timeout: 5_000 });
        file.exec(statement);
      },
      [Symbol.asyncDispose]: () => rm(folder, { recursive: true }),
    };
  },
};

/** A connection of the test's own. */
export interface Connected extends AsyncDisposable {
  query(statement: string): Promise<{ rowCount: number | null }>;
}

export interface PostgresDatabase extends Database {
  connect(): Promise<Connected>;
}

export const postgres: Dialect<PostgresDatabase> = {
  name: 'postgres',
  async database() {
    const database = await postgresDatabase();
    await migrate({ url: database.url }, 'up');
    const connect = async () => {
      const client = new pg.Client({
        connectionString: database.url,
        options: '-c search_path=perdure',
      });
      await client.connect();
      return {
        query: (statement: string) => client.query(statement),
        [Symbol.asyncDispose]: () => client.end(),
      };
    };
    return {
      connect,
      open: (now, onBatch) =>
        openPostgresJournal({ url: database.url, poolSize: 4, ...(now && { now }), onBatch }),
      async execute(statement) {
        await using connected = await connect();
        await connected.query(statement);
      },
      [Symbol.asyncDispose]: () => database[Symbol.asyncDispose](),
    };
  },
};

/** A journal on an empty database of its own. */
export async function emptyJournal<D extends Database>(
  dialect: Dialect<D>,
  now?: () => number,
): Promise<{ journal: Journal; database: D } & AsyncDisposable> {
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
