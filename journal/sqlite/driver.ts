/** Kysely's driver over the thread: one transaction at a time on the writer, any number of single statements on the reader. */
import { CompiledQuery, SqliteAdapter, SqliteIntrospector, SqliteQueryCompiler } from 'kysely';
import type { DatabaseConnection, Dialect, Driver, QueryResult } from 'kysely';
import type { SqliteClient } from './client.ts';
import type { Side } from './statements.ts';

export const sqliteDialect = (client: SqliteClient, side: Side): Dialect => ({
  createDriver: () => new ThreadDriver(client, side),
  createQueryCompiler: () => new SqliteQueryCompiler(),
  createAdapter: () => (side === 'writer' ? new WriterAdapter() : new ReaderAdapter()),
  createIntrospector: (db) => new SqliteIntrospector(db),
});

/** SQLite takes a change of the schema back like any other; Kysely's own adapter has it that it could not. */
class WriterAdapter extends SqliteAdapter {
  override get supportsTransactionalDdl(): boolean {
    return true;
  }
}

/** Kysely gives the writer's connection to one transaction at a time; single statements of readers need not wait for each other. */
class ReaderAdapter extends SqliteAdapter {
  override get supportsMultipleConnections(): boolean {
    return true;
  }
}

class ThreadConnection implements DatabaseConnection {
  readonly #client: SqliteClient;
  readonly #side: Side;

  constructor(client: SqliteClient, side: Side) {
    this.#client = client;
    this.#side = side;
  }

  async executeQuery<R>({ sql, parameters }: CompiledQuery): Promise<QueryResult<R>> {
    const { rows, changes } = await this.#client.run({ side: this.#side, sql, parameters });
    const list = typeof rows === 'string' ? (JSON.parse(rows) as R[]) : (rows as R[]);
    return { rows: list, numAffectedRows: BigInt(changes) };
  }

  // eslint-disable-next-line require-yield
  async *streamQuery<R>(): AsyncIterableIterator<QueryResult<R>> {
    throw new Error('the journal reads in pages, not in streams');
  }
}

class ThreadDriver implements Driver {
  readonly #connection: ThreadConnection;

  constructor(client: SqliteClient, side: Side) {
    this.#connection = new ThreadConnection(client, side);
  }

  async init(): Promise<void> {}
  async destroy(): Promise<void> {}
  async releaseConnection(): Promise<void> {}

  async acquireConnection(): Promise<DatabaseConnection> {
    return this.#connection;
  }

  /** Immediate: a transaction that began by reading could not become a writer. */
  async beginTransaction(connection: DatabaseConnection): Promise<void> {
    await connection.executeQuery(CompiledQuery.raw('begin immediate'));
  }
  async commitTransaction(connection: DatabaseConnection): Promise<void> {
    await connection.executeQuery(CompiledQuery.raw('commit'));
  }
  async rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    // A full disk has rolled it back already; the caller hears of that, not of this.
    await connection.executeQuery(CompiledQuery.raw('rollback')).catch(() => {});
  }
}
