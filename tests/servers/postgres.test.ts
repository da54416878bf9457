import pg from 'pg';
import { expect, test } from 'vitest';
import { startPostgres } from '../../servers/postgres.ts';
import { postgresDatabase } from '../support/database.ts';

async function ask(url: string, query: string): Promise<unknown> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const { rows } = await client.query<Record<string, unknown>>(query);
    return Object.values(rows[0] ?? {})[0];
  } finally {
    await client.end();
  }
}

test('a test gets a database of its own on a server that syncs to disk', async () => {
  await using database = await postgresDatabase();
  expect(await ask(database.url, 'select current_database()')).toBe(
    new URL(database.url).pathname.slice(1),
  );
  expect(await ask(database.url, 'show fsync')).toBe('on');
});

test('a private server stops although a client is connected', async () => {
  const server = await startPostgres();
  const client = new pg.Client({ connectionString: server.url });
  client.on('error', () => {});
  await client.connect();
  await server.stop();
  expect(await server.exited).toBe(0);
});
