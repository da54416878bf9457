/** A transaction of the group commit on a pipelining connection: what does not depend on an answer is sent without waiting for one. */
import { CompiledQuery } from 'kysely';
import type pg from 'pg';
import type { Rows, Store } from '../store.ts';

const BEGIN = CompiledQuery.raw('begin');
const COMMIT = CompiledQuery.raw('commit');

/** @param pool of connections with `pipeline` */
export function batchOn(pool: pg.Pool): Store['batch'] {
  const names = new StatementNames();
  return async (reads, decide) => {
    const client = await pool.connect();
    const exchange = (queries: readonly CompiledQuery[]) =>
      together(queries.map((query) => client.query<object>(names.named(query))));
    let failed = true;
    try {
      const [, ...answers] = await exchange([BEGIN, ...reads]);
      await exchange([...decide(answers), COMMIT]);
      failed = false;
    } finally {
      client.release(failed && !(await rolledBack(client)));
    }
  };
}

/**
 * The texts are few, because rows travel as one parameter; each connection plans them once, which is half of what a small batch costs.
 * They name their columns, so that a migration changes no plan's result.
 */
class StatementNames {
  readonly #names = new Map<string, string>();

  named({ sql: text, parameters }: CompiledQuery): pg.QueryConfig {
    if (parameters.length === 0) return { text };
    const name = this.#names.get(text) ?? `batch_${this.#names.size}`;
    this.#names.set(text, name);
    return { name, text, values: [...parameters] };
  }
}

/**
 * Waits for all answers. After a statement that fails the server refuses the others, and makes the commit a rollback.
 * @throws the error of the first that failed
 */
async function together(queries: readonly Promise<pg.QueryResult<object>>[]): Promise<Rows[]> {
  const answers = await Promise.allSettled(queries);
  return answers.map((answer) => {
    if (answer.status === 'rejected') throw answer.reason;
    return answer.value.rows;
  });
}

/** False where the connection can no longer be used. */
const rolledBack = (client: pg.PoolClient): Promise<boolean> =>
  client.query('rollback').then(
    () => true,
    () => false,
  );
