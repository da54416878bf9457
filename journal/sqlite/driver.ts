/** Kysely's driver over the thread: one transaction at a time on the writer, any number of single statements on the reader. */
import { CompiledQuery, SqliteAdapter, SqliteIntrospector, SqliteQueryCompiler } from 'kysely';
import type { DatabaseConnection, Dialect, Driver, QueryResult } from 'kysely';
import type { Rows, Store } from '../store.ts';
import type { SqliteClient } from './client.ts';
import { EACH_ROW } from './statements.ts';
import type { Side, Statement } from './statements.ts';

export const sqliteDialect = (driver: ThreadDriver): Dialect => ({
  createDriver: () => driver,
  createQueryCompiler: () => new SqliteQueryCompiler(),
  createAdapter: () => new ThreadAdapter(),
  createIntrospector: (db) => new SqliteIntrospector(db),
});

class ThreadAdapter extends SqliteAdapter {
  /** SQLite takes a change of the schema back like any other; Kysely's own adapter has it that it could not. */
  override get supportsTransactionalDdl(): boolean {
    return true;
  }
  /** The driver itself gives the writer to one transaction at a time; readers need not wait for each other. */
  override get supportsMultipleConnections(): boolean {
    return true;
  }
}

/**
 * Each question to the thread costs two wake-ups, more than most statements: so what has no answer to wait for (the beginning of a
 * transaction, its writes) is kept back and goes along with the next statement that has one, at the latest with the commit.
 */
class ThreadConnection implements DatabaseConnection {
  readonly #client: SqliteClient;
  readonly #side: Side;
  #kept: Statement[] = [];
  #inTransaction = false;

  constructor(client: SqliteClient, side: Side) {
    this.#client = client;
    this.#side = side;
  }

  begin(): void {
    this.#inTransaction = true;
    // Immediate: a transaction that began by reading could not become a writer.
    this.#kept = [this.#statement('begin immediate')];
  }

  async commit(): Promise<void> {
    await this.executeQuery(CompiledQuery.raw('commit'));
    this.#inTransaction = false;
  }

  async rollback(): Promise<void> {
    this.#inTransaction = false;
    this.#kept = [];
    // It may never have begun, or a full disk has rolled it back already; the caller hears of that, not of this.
    await this.executeQuery(CompiledQuery.raw('rollback')).catch(() => {});
  }

  /** What is asked in one tick goes to the thread as one message. */
  async read(queries: readonly CompiledQuery[]): Promise<Rows[]> {
    const answers = await Promise.all(queries.map((query) => this.executeQuery<object>(query)));
    return answers.map(({ rows }) => rows);
  }

  /** Goes along with the commit. */
  write({ sql, parameters }: CompiledQuery): void {
    this.#kept.push(this.#statement(sql, parameters));
  }

  async executeQuery<R>({ sql, parameters }: CompiledQuery): Promise<QueryResult<R>> {
    const statement = this.#statement(sql, parameters);
    if (this.#inTransaction && sql.startsWith(EACH_ROW)) {
      this.#kept.push(statement);
      return { rows: [] };
    }
    const before = this.#kept;
    this.#kept = [];
    const { rows, changes } = await this.#client.run(statement, before);
    const list = typeof rows === 'string' ? (JSON.parse(rows) as R[]) : (rows as R[]);
    return { rows: list, numAffectedRows: BigInt(changes) };
  }

  #statement(sql: string, parameters: readonly unknown[] = []): Statement {
    return { side: this.#side, sql, parameters };
  }

  // eslint-disable-next-line require-yield
  async *streamQuery<R>(): AsyncIterableIterator<QueryResult<R>> {
    throw new Error('the journal reads in pages, not in streams');
  }
}

export class ThreadDriver implements Driver {
  readonly #connection: ThreadConnection;
  readonly #side: Side;
  /** When the writer is free again. */
  #free: Promise<void> = Promise.resolve();
  #release: () => void = () => {};

  constructor(client: SqliteClient, side: Side) {
    this.#connection = new ThreadConnection(client, side);
    this.#side = side;
  }

  async init(): Promise<void> {}
  async destroy(): Promise<void> {}

  async acquireConnection(): Promise<ThreadConnection> {
    if (this.#side === 'reader') return this.#connection;
    const before = this.#free;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#free = promise;
    await before;
    this.#release = resolve;
    return this.#connection;
  }

  async releaseConnection(): Promise<void> {
    this.#release();
  }

  /** See `Store.batch`. */
  async batch(...[reads, decide]: Parameters<Store['batch']>): Promise<void> {
    const connection = await this.acquireConnection();
    try {
      connection.begin();
      for (const query of decide(await connection.read(reads))) connection.write(query);
      await connection.commit();
    } catch (error) {
      await connection.rollback();
      throw error;
    } finally {
      this.#release();
    }
  }

  async beginTransaction(): Promise<void> {
    this.#connection.begin();
  }
  async commitTransaction(): Promise<void> {
    await this.#connection.commit();
  }
  async rollbackTransaction(): Promise<void> {
    await this.#connection.rollback();
  }
}
