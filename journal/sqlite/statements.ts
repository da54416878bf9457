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
  readonly rows: unknown[];
  readonly changes: number;
}

/** Another process may look at the file (a backup): wait for it instead of failing. */
const BUSY_MS = 5_000;
/** Of each connection. */
const CACHED_STATEMENTS = 500;

class Connection {
  readonly #db: DatabaseSync;
  readonly #prepared = new Map<string, StatementSync>();

  constructor({ file, synchronous }: SqliteSettings) {
    this.#db = new DatabaseSync(file, { timeout: BUSY_MS });
    this.#db.exec(
      `pragma journal_mode = wal; pragma synchronous = ${synchronous}; pragma cache_size = -32000; pragma temp_store = memory`,
    );
  }

  run(sql: string, parameters: readonly unknown[]): StatementResult {
    const statement = this.#prepare(sql);
    const values = parameters as SQLInputValue[];
    if (statement.columns().length > 0) return { rows: statement.all(...values), changes: 0 };
    return { rows: [], changes: Number(statement.run(...values).changes) };
  }

  #prepare(sql: string): StatementSync {
    const known = this.#prepared.get(sql);
    if (known) return known;
    if (this.#prepared.size >= CACHED_STATEMENTS) this.#prepared.clear();
    const statement = this.#db.prepare(sql);
    this.#prepared.set(sql, statement);
    return statement;
  }

  close(): void {
    this.#db.close();
  }
}

export class Statements {
  readonly #sides: Record<Side, Connection>;

  constructor(settings: SqliteSettings) {
    this.#sides = { writer: new Connection(settings), reader: new Connection(settings) };
  }

  run({ side, sql, parameters }: Statement): StatementResult {
    return this.#sides[side].run(sql, parameters);
  }

  close(): void {
    this.#sides.reader.close();
    this.#sides.writer.close();
  }
}
