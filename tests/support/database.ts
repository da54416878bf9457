import { randomBytes } from 'node:crypto';
import { inject } from 'vitest';
import { createDatabase, dropDatabase } from '../../servers/postgres.ts';

export interface TestDatabase extends AsyncDisposable {
  readonly url: string;
}

/** An empty database of its own on the PostgreSQL of this run, dropped at the end. */
export async function postgresDatabase(): Promise<TestDatabase> {
  const server = inject('postgresUrl');
  const name = `perdure_test_${randomBytes(6).toString('hex')}`;
  const url = await createDatabase(server, name);
  return { url, [Symbol.asyncDispose]: () => dropDatabase(server, name) };
}
