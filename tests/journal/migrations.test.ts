import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { migrate } from '../../journal/migrate.ts';
import type { MigrationTarget } from '../../journal/migrate.ts';
import { openPostgresJournal } from '../../journal/postgres.ts';
import { openSqliteJournal } from '../../journal/sqlite.ts';
import { postgresDatabase } from '../support/database.ts';
import { openStep } from './support/facts.ts';

async function sqliteTarget(): Promise<{ target: MigrationTarget } & AsyncDisposable> {
  const folder = await mkdtemp(join(tmpdir(), 'perdure-migrate-'));
  const dispose = () => rm(folder, { recursive: true });
  return { target: { file: join(folder, 'deep', 'journal.db') }, [Symbol.asyncDispose]: dispose };
}

async function postgresTarget(): Promise<{ target: MigrationTarget } & AsyncDisposable> {
  const database = await postgresDatabase();
  const target = { url: database.url, schema: 'of_its_own' };
  // Another installation in the same database.
  await migrate({ url: database.url }, 'up');
  return { target, [Symbol.asyncDispose]: () => database[Symbol.asyncDispose]() };
}

const open = (target: MigrationTarget) =>
  'file' in target
    ? openSqliteJournal({ file: target.file, synchronous: 'full' })
    : openPostgresJournal({ ...target, poolSize: 2 });

describe.each([
  ['SQLite', sqliteTarget],
  ['PostgreSQL', postgresTarget],
] as const)('migrations of %s', (_, create) => {
  test('go up, down and up again, and leave a journal that works', async () => {
    await using created = await create();
    const { target } = created;
    const executed = async (command: 'up' | 'down' | 'empty' | 'status') =>
      (await migrate(target, command)).map(({ executedAt }) => executedAt !== null);
    const none = await executed('status');
    expect(none).not.toContain(true);
    const all = none.map(() => true);
    expect(await executed('up')).toEqual(all);
    expect(await executed('up')).toEqual(all);
    expect(await executed('status')).toEqual(all);
    for (const left of all.keys())
      expect(await executed('down')).toEqual(all.with(-1 - left, false).fill(false, -1 - left));
    expect(await executed('up')).toEqual(all);
    expect(await executed('empty')).toEqual(none);
    await executed('up');
    const journal = await open(target);
    await openStep(journal);
    await journal.close();
  });
});

test('PostgreSQL is not opened before it is migrated, and the message says what to do', async () => {
  await using database = await postgresDatabase();
  const opening = openPostgresJournal({ url: database.url, poolSize: 1 });
  await expect(opening).rejects.toMatchObject({
    code: 'journal_unavailable',
    message: expect.stringContaining('perdure migrate'),
  });
});

test('a migration that fails is rolled back and says why', async () => {
  await using created = await sqliteTarget();
  await migrate(created.target, 'up');
  const file = 'file' in created.target ? created.target.file : '';
  const { DatabaseSync } = await import('node:sqlite');
  using database = new DatabaseSync(file);
  database.exec('drop table artifacts');
  await expect(migrate(created.target, 'empty')).rejects.toMatchObject({
    code: 'journal_unavailable',
    message: expect.stringContaining('artifacts'),
  });
  expect(database.prepare('select count(*) as n from audit').get()).toEqual({ n: 0 });
});

test('a server that cannot be reached is journal_unavailable', async () => {
  const url = 'postgres://nobody@127.0.0.1:9/none';
  const unavailable = { code: 'journal_unavailable' };
  await expect(openPostgresJournal({ url, poolSize: 1 })).rejects.toMatchObject(unavailable);
  await expect(migrate({ url }, 'status')).rejects.toMatchObject(unavailable);
});
