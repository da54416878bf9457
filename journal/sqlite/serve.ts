/** The thread's side of the conversation: one answer a request, in order; requests that come together are answered together. */
import type { MessagePort } from 'node:worker_threads';
import { Statements } from './statements.ts';
import type { SqliteSettings, Statement, StatementResult } from './statements.ts';

export type Request = { readonly id: number } & (
  | {
      readonly kind: 'run';
      readonly statement: Statement;
      /** Run first, and not answered. */
      readonly before: readonly Statement[];
    }
  | { readonly kind: 'close' }
);
export interface Failure {
  readonly message: string;
  /** SQLite's extended result code. */
  readonly errcode: number | undefined;
}
export type Answer =
  | { readonly id: number; readonly result: StatementResult }
  | { readonly id: number; readonly failure: Failure };

/** The id of the answer that says that the files are open (or why not). */
export const OPENING = 0;
const NOTHING: StatementResult = { rows: [], changes: 0 };

export function serve(port: MessagePort, settings: SqliteSettings): void {
  let statements: Statements;
  const opened = outcome(OPENING, () => {
    statements = new Statements(settings);
    return NOTHING;
  });
  port.postMessage([opened]);
  const work = (request: Request): StatementResult => {
    if (request.kind === 'run') return statements.runAll(request.before, request.statement);
    statements.close();
    return NOTHING;
  };
  port.on('message', (requests: readonly Request[]) => {
    port.postMessage(requests.map((request) => outcome(request.id, () => work(request))));
    if (requests.some(({ kind }) => kind === 'close')) port.close();
  });
}

function outcome(id: number, work: () => StatementResult): Answer {
  try {
    return { id, result: work() };
  } catch (error) {
    const { message, errcode } = error as Failure;
    return { id, failure: { message, errcode } };
  }
}
