/** The main thread's side: a request at a time is posted, its answer settles a promise. */
import { Worker } from 'node:worker_threads';
import { OPENING } from './serve.ts';
import type { Answer, Failure, Request } from './serve.ts';
import type { SqliteSettings, Statement, StatementResult } from './statements.ts';

export class SqliteError extends Error {
  readonly errcode: number | undefined;
  constructor({ message, errcode }: Failure) {
    super(message);
    this.name = 'SqliteError';
    this.errcode = errcode;
  }
}

interface Waiting {
  resolve(result: StatementResult): void;
  reject(error: Error): void;
}
type Unnumbered =
  { kind: 'run'; statement: Statement; before: readonly Statement[] } | { kind: 'close' };

export class SqliteClient {
  readonly #worker: Worker;
  readonly #waiting = new Map<number, Waiting>();
  #lastId = OPENING;
  #gone: Error | undefined;
  /** Asked in this tick: they travel together, because each message costs a wake-up of the other side. */
  #outgoing: Request[] = [];

  private constructor(settings: SqliteSettings) {
    this.#worker = new Worker(new URL('./thread.ts', import.meta.url), {
      workerData: settings,
      execArgv: [],
    });
    this.#worker.on('message', (answers: readonly Answer[]) => {
      for (const answer of answers) this.#settle(answer);
    });
    const lost = (cause: unknown) =>
      this.#lose(
        new SqliteError({
          message: `the journal's thread has ended: ${String(cause)}`,
          errcode: undefined,
        }),
      );
    this.#worker.on('error', lost);
    this.#worker.on('exit', lost);
  }

  /** @throws {SqliteError} where the file cannot be opened */
  static async open(settings: SqliteSettings): Promise<SqliteClient> {
    const client = new SqliteClient(settings);
    await client.#answer(OPENING);
    return client;
  }

  /**
   * Runs `before`, whose answers nobody wants, then the statement.
   * @throws {SqliteError} of the first that failed; nothing after it was run
   */
  run(statement: Statement, before: readonly Statement[] = []): Promise<StatementResult> {
    return this.#ask({ kind: 'run', statement, before });
  }

  async close(): Promise<void> {
    if (this.#gone) return;
    const ended = new Promise<void>((resolve) => this.#worker.once('exit', () => resolve()));
    await this.#ask({ kind: 'close' });
    await ended;
  }

  #ask(request: Unnumbered): Promise<StatementResult> {
    if (this.#gone) return Promise.reject(this.#gone);
    const id = ++this.#lastId;
    if (this.#outgoing.push({ id, ...request }) === 1) queueMicrotask(() => this.#post());
    return this.#answer(id);
  }

  #post(): void {
    this.#worker.postMessage(this.#outgoing);
    this.#outgoing = [];
  }

  #answer(id: number): Promise<StatementResult> {
    return new Promise((resolve, reject) => this.#waiting.set(id, { resolve, reject }));
  }

  #settle(answer: Answer): void {
    const waiting = this.#waiting.get(answer.id)!;
    this.#waiting.delete(answer.id);
    if ('result' in answer) waiting.resolve(answer.result);
    else waiting.reject(new SqliteError(answer.failure));
  }

  #lose(error: Error): void {
    this.#gone ??= error;
    for (const waiting of this.#waiting.values()) waiting.reject(this.#gone);
    this.#waiting.clear();
  }
}
