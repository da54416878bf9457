/** Runs in the journal's thread: two connections on one file, so that readers see the last commit while a transaction is open. */
import { DatabaseSync } from 'node:sqlite';
import type { SQLInputValue, StatementSync } from 'node:sqlite';

export interface SqliteSettings {
  readonly file: string;
  /** `full` survives a power cut, `normal` a crash of the process. */
  readonly synchronous: 'normal' | 'full';
}

export type Side = 'writer' | 'reader';

export interface Statement {
  readonly side: Side;
  readonly sql: string;
  readonly parameters: readonly unknown[];
}

export interface StatementResult {
  /** JSON text where no value is binary: half the cost of copying objects from thread to thread. */
  readonly rows: string | readonly object[];
  readonly changes: number;
}

/**
 * Begins a statement that is run once for each row of its only parameter, a JSON array of arrays: half the cost of taking the JSON apart
 * in SQL.
 */
export const EACH_ROW = '/* each row */';

/** Another process may look at the file (a backup): wait for it instead of failing. */
const BUSY_MS = 5_000;
/** Of each connection. */
const CACHED_STATEMENTS = 500;
/**
 * Of each connection, in kibibytes: the upper pages of every index. What is not there is read from the system's own cache in microseconds;
 * with 32 MB each the process would grow by 64 MB as its journal does.
 */
const PAGE_CACHE_KIB = 4_000;

interface Prepared {
  readonly statement: StatementSync;
  readonly reads: boolean;
}

class Connection {
  readonly #db: DatabaseSync;
  readonly #prepared = new Map<string, Prepared>();

  constructor({ file, synchronous }: SqliteSettings) {
    this.#db = new DatabaseSync(file, { timeout: BUSY_MS });
    this.#db.exec(
      `pragma journal_mode = wal; pragma synchronous = ${synchronous}; pragma cache_size = -${PAGE_CACHE_KIB}; pragma temp_store = memory`,
    );
  }

  run(sql: string, parameters: readonly SQLInputValue[]): StatementResult {
    const { statement, reads } = this.#prepare(sql);
    if (reads) return { rows: encoded(statement.all(...parameters)), changes: 0 };
    if (!sql.startsWith(EACH_ROW))
      return { rows: [], changes: Number(statement.run(...parameters).changes) };
    const rows = JSON.parse(parameters[0] as string) as SQLInputValue[][];
    for (const row of rows) statement.run(...row);
    return { rows: [], changes: rows.length };
  }

  #prepare(sql: string): Prepared {
    const known = this.#prepared.get(sql);
    if (known) return known;
    if (this.#prepared.size >= CACHED_STATEMENTS) this.#prepared.clear();
    const statement = this.#db.prepare(sql);
    const prepared = { statement, reads: statement.columns().length > 0 };
    this.#prepared.set(sql, prepared);
    return prepared;
  }

  close(): void {
    this.#db.close();
  }
}

function encoded(rows: Record<string, unknown>[]): StatementResult['rows'] {
  const isBinary = Object.values(rows[0] ?? {}).some((value) => value instanceof Uint8Array);
  return isBinary ? rows : JSON.stringify(rows);
}

export class Statements {
  readonly #sides: Record<Side, Connection>;

  constructor(settings: SqliteSettings) {
    this.#sides = { writer: new Connection(settings), reader: new Connection(settings) };
  }

  run({ side, sql, parameters }: Statement): StatementResult {
    return this.#sides[side].run(sql, parameters as SQLInputValue[]);
  }

  runAll(before: readonly Statement[], last: Statement): StatementResult {
    for (const statement of before) this.run(statement);
    return this.run(last);
  }

  close(): void {
    this.#sides.reader.close();
    this.#sides.writer.close();
  }
}
