// The thread in which SQLite runs, and those that speak to it.
import { once } from 'node:events';
import { join } from 'node:path';
import { MessageChannel } from 'node:worker_threads';
import type { Worker } from 'node:worker_threads';
import { expect, test, vi } from 'vitest';
import { SqliteClient } from '../../journal/sqlite/client.ts';
import { sqliteDialect, ThreadDriver } from '../../journal/sqlite/driver.ts';
import { faultOf } from '../../journal/sqlite/faults.ts';
import { serve } from '../../journal/sqlite/serve.ts';
import { Statements } from '../../journal/sqlite/statements.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

test('a thread that ends takes the journal with it, and every caller is told', async () => {
  await using folder = await temporaryFolder();
  let worker: Worker | undefined;
  process.once('worker', (created) => (worker = created));
  const client = await SqliteClient.open({ file: join(folder.path, 'a.db'), synchronous: 'full' });
  const running = client.run({ side: 'writer', sql: 'select 1 as one', parameters: [] });
  expect(JSON.parse((await running).rows as string)).toEqual([{ one: 1 }]);
  const endless = client.run({
    side: 'writer',
    sql: 'with recursive n(i) as (select 1 union all select i + 1 from n where i < 100000) select count(*) from n',
    parameters: [],
  });
  await worker!.terminate();
  await expect(endless).rejects.toThrow('thread has ended');
  await expect(client.run({ side: 'reader', sql: 'select 1', parameters: [] })).rejects.toThrow(
    'thread has ended',
  );
  await client.close();
  expect(faultOf(await endless.catch((error: unknown) => error))).toBe('unavailable');
});

test('the thread keeps a bounded number of prepared statements', async () => {
  await using folder = await temporaryFolder();
  const statements = new Statements({ file: join(folder.path, 'a.db'), synchronous: 'normal' });
  const read = (sql: string) => statements.run({ side: 'reader', sql, parameters: [] }).rows;
  for (let i = 0; i < 600; i++) expect(read(`select ${i} as i`)).toBe(`[{"i":${i}}]`);
  expect(read('select 1 as i where false')).toBe('[]');
  statements.close();
});

test('the thread answers in order, with SQLite’s own code where it fails', async () => {
  await using folder = await temporaryFolder();
  const { port1, port2 } = new MessageChannel();
  const answers: unknown[] = [];
  port1.on('message', (together: unknown[]) => answers.push(...together));
  vi.doMock('node:worker_threads', () => ({
    parentPort: port2,
    workerData: { file: join(folder.path, 'a.db'), synchronous: 'normal' },
  }));
  await import('../../journal/sqlite/thread.ts');
  vi.doUnmock('node:worker_threads');
  const statement = (sql: string, parameters: unknown[] = []) => ({
    side: 'writer',
    sql,
    parameters,
  });
  const run = (id: number, sql: string, parameters: unknown[] = []) =>
    port1.postMessage([{ id, kind: 'run', statement: statement(sql, parameters), before: [] }]);
  run(1, 'create table t (a integer primary key, b blob)');
  run(2, '/* each row */ insert into t values (?, ?)', ['[[1, "x"], [2, "y"]]']);
  run(3, 'select a from t');
  run(4, 'insert into t values (1, null)');
  run(5, 'update t set b = ?', [new Uint8Array([1])]);
  run(6, 'select b from t limit 1');
  run(7, 'select * from nowhere');
  const failing = statement('insert into t values (1, null)');
  port1.postMessage([
    { id: 8, kind: 'run', statement: statement('delete from t'), before: [failing] },
    { id: 9, kind: 'run', statement: statement('select count(*) as n from t'), before: [] },
    { id: 10, kind: 'close' },
  ]);
  await once(port1, 'close');
  expect(answers).toEqual([
    { id: 0, result: { rows: [], changes: 0 } },
    { id: 1, result: { rows: [], changes: 0 } },
    { id: 2, result: { rows: [], changes: 2 } },
    { id: 3, result: { rows: '[{"a":1},{"a":2}]', changes: 0 } },
    { id: 4, failure: { message: expect.stringContaining('UNIQUE'), errcode: 1555 } },
    { id: 5, result: { rows: [], changes: 2 } },
    { id: 6, result: { rows: [{ b: new Uint8Array([1]) }], changes: 0 } },
    { id: 7, failure: { message: expect.stringContaining('no such table'), errcode: 1 } },
    { id: 8, failure: { message: expect.stringContaining('UNIQUE'), errcode: 1555 } },
    { id: 9, result: { rows: '[{"n":2}]', changes: 0 } },
    { id: 10, result: { rows: [], changes: 0 } },
  ]);
});

test('the thread that cannot open its file says so', async () => {
  await using folder = await temporaryFolder();
  const { port1, port2 } = new MessageChannel();
  const first = once(port1, 'message');
  serve(port2, { file: join(folder.path, 'missing', 'a.db'), synchronous: 'normal' });
  expect((await first)[0]).toMatchObject([{ id: 0, failure: { errcode: 14 } }]);
  port1.close();
});

test('the driver reads in pages only', async () => {
  await using folder = await temporaryFolder();
  const client = await SqliteClient.open({
    file: join(folder.path, 'a.db'),
    synchronous: 'normal',
  });
  const driver = sqliteDialect(new ThreadDriver(client, 'reader')).createDriver();
  await driver.init();
  const connection = await driver.acquireConnection();
  const query = { sql: 'select 1', parameters: [] } as never;
  await expect(connection.streamQuery(query, 1).next()).rejects.toThrow('pages');
  await driver.destroy();
  await client.close();
});
