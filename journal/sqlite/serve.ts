/** The thread's side of the conversation: one answer a request, in order. */
import type { MessagePort } from 'node:worker_threads';
import { Statements } from './statements.ts';
import type { SqliteSettings, Statement, StatementResult } from './statements.ts';

export type Request = { readonly id: number } & (
  { readonly kind: 'run'; readonly statement: Statement } | { readonly kind: 'close' }
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
  const answer = (id: number, work: () => StatementResult): void => {
    port.postMessage(outcome(id, work));
  };
  let statements: Statements;
  answer(OPENING, () => {
    statements = new Statements(settings);
    return NOTHING;
  });
  port.on('message', (request: Request) => {
    answer(request.id, () => {
      if (request.kind === 'run') return statements.run(request.statement);
      statements.close();
      return NOTHING;
    });
    if (request.kind === 'close') port.close();
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
