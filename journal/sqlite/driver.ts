/** Kysely's driver over the thread: one transaction at a time on the writer, any number of single statements on the reader. */
import { CompiledQuery, SqliteAdapter, SqliteIntrospector, SqliteQueryCompiler } from 'kysely';
import type { DatabaseConnection, Dialect, Driver, QueryResult } from 'kysely';
import type { SqliteClient } from './client.ts';
import type { Side } from './statements.ts';

export const sqliteDialect = (client: SqliteClient, side: Side): Dialect => ({
  createDriver: () => new ThreadDriver(client, side),
  createQueryCompiler: () => new SqliteQueryCompiler(),
  createAdapter: () => new SqliteAdapter(),
  createIntrospector: (db) => new SqliteIntrospector(db),
});

class ThreadConnection implements DatabaseConnection {
  readonly #client: SqliteClient;
  readonly #side: Side;

  constructor(client: SqliteClient, side: Side) {
    this.#client = client;
    this.#side = side;
  }

  async executeQuery<R>({ sql, parameters }: CompiledQuery): Promise<QueryResult<R>> {
    const { rows, changes } = await this.#client.run({ side: this.#side, sql, parameters });
    return { rows: rows as R[], numAffectedRows: BigInt(changes) };
  }

  // eslint-disable-next-line require-yield
  async *streamQuery<R>(): AsyncIterableIterator<QueryResult<R>> {
    throw new Error('the journal reads in pages, not in streams');
  }
}

class ThreadDriver implements Driver {
  readonly #connection: ThreadConnection;
  readonly #exclusive: boolean;
  /** Settled when the writer is free. */
  #turn: Promise<void> = Promise.resolve();
  #release: () => void = () => {};

  constructor(client: SqliteClient, side: Side) {
    this.#connection = new ThreadConnection(client, side);
    this.#exclusive = side === 'writer';
  }

  async init(): Promise<void> {}
  async destroy(): Promise<void> {}

  async acquireConnection(): Promise<DatabaseConnection> {
    if (!this.#exclusive) return this.#connection;
    const before = this.#turn;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#turn = promise;
    await before;
    this.#release = resolve;
    return this.#connection;
  }

  async releaseConnection(): Promise<void> {
    this.#release();
  }

  /** Immediate: a transaction that began by reading could not become a writer. */
  async beginTransaction(connection: DatabaseConnection): Promise<void> {
    await connection.executeQuery(CompiledQuery.raw('begin immediate'));
  }
  async commitTransaction(connection: DatabaseConnection): Promise<void> {
    await connection.executeQuery(CompiledQuery.raw('commit'));
  }
  async rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    await connection.executeQuery(CompiledQuery.raw('rollback'));
  }
}
