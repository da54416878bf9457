import pg from 'pg';
import { vi } from 'vitest';

/** What the tests look at in a client of `pg`. */
interface Inside {
  readonly connectionParameters: { readonly application_name: string };
  readonly connection: { readonly stream: { destroy(): void } };
}

export interface Queries {
  query: (this: pg.Client, ...all: unknown[]) => Promise<unknown>;
}

export interface Cuts extends Disposable {
  /** Cuts the connection at the n-th statement of the journal's pool from now on. */
  at(statement: number): void;
  /** True once the cut was made. */
  made(): boolean;
}

/** Breaks connections between two statements: before one is sent, or after it was and before its answer came. */
export function cutting(moment: 'before' | 'after', application = 'perdure journal'): Cuts {
  let left = Infinity;
  const prototype = pg.Client.prototype as unknown as Queries;
  const { query } = prototype;
  const spy = vi.spyOn(prototype, 'query').mockImplementation(function (
    this: pg.Client,
    ...args: unknown[]
  ) {
    const call = () => query.apply(this, args);
    const { connectionParameters, connection } = this as unknown as Inside;
    if (connectionParameters.application_name !== application || --left !== 0) return call();
    const { stream } = connection;
    if (moment === 'before') stream.destroy();
    const result = call();
    if (moment === 'after') setImmediate(() => stream.destroy());
    return result;
  });
  return {
    at: (statement) => (left = statement),
    made: () => left <= 0,
    [Symbol.dispose]: () => spy.mockRestore(),
  };
}
