import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { SQLInputValue } from 'node:sqlite';
import type { CompiledQuery } from 'kysely';
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
  /** How the database would carry a query out, in its own words, a line a step. */
  explain(query: CompiledQuery): Promise<string>;
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
      async explain({ sql, parameters }) {
        using file = new DatabaseSync(join(folder, 'journal.db'), { timeout: 5_000 });
        const steps = file
          .prepare(`explain query plan ${sql}`)
          .all(...(parameters as SQLInputValue[]));
        return steps.map(({ detail }) => String(detail)).join('\n');
      },
      [Symbol.asyncDispose]: () => rm(folder, { recursive: true }),
    };
  },
};

/** A connection of the test's own. */
export interface Connected extends AsyncDisposable {
  query(
    statement: string,
    parameters?: readonly unknown[],
  ): Promise<{ rowCount: number | null; rows: Record<string, unknown>[] }>;
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
        query: (statement: string, parameters: readonly unknown[] = []) =>
          client.query<Record<string, unknown>>(statement, [...parameters]),
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
      async explain({ sql, parameters }) {
        await using connected = await connect();
        const { rows } = await connected.query(`explain ${sql}`, parameters);
        return rows.map((row) => String(row['QUERY PLAN'])).join('\n');
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
