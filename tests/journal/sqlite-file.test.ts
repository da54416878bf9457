import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MessageChannel } from 'node:worker_threads';
import type { Worker } from 'node:worker_threads';
import { expect, test, vi } from 'vitest';
import { SqliteClient } from '../../journal/sqlite/client.ts';
import { sqliteDialect, ThreadDriver } from '../../journal/sqlite/driver.ts';
import { faultOf } from '../../journal/sqlite/faults.ts';
import { serve } from '../../journal/sqlite/serve.ts';
import { Statements } from '../../journal/sqlite/statements.ts';
import { openSqliteJournal } from '../../journal/sqlite.ts';
import {
  allEvents,
  asksFor,
  claimOf,
  claimed,
  createSession,
  delta,
  openStep,
  spend,
  toolCall,
} from './support/facts.ts';

interface Runs {
  run: (
    this: SqliteClient,
    ...all: Parameters<SqliteClient['run']>
  ) => ReturnType<SqliteClient['run']>;
}

async function temporaryFolder(): Promise<{ path: string } & AsyncDisposable> {
  const path = await mkdtemp(join(tmpdir(), 'perdure-sqlite-'));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

const open = (folder: string) =>
  openSqliteJournal({ file: join(folder, 'journal.db'), synchronous: 'normal' });

/** Another process that has the journal open, until it is killed. */
async function otherProcess(folder: string) {
  const program = `
    import { openSqliteJournal } from ${JSON.stringify(new URL('../../journal/sqlite.ts', import.meta.url).href)};
    await openSqliteJournal({ file: ${JSON.stringify(join(folder, 'journal.db'))}, synchronous: 'normal' });
    console.log('open');
    setInterval(() => {}, 1_000);`;
  const child = spawn(process.execPath, ['--input-type=module-typescript', '-e', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(child.stdout, 'data');
  return child;
}

test('a second process is refused and told by whom, until the first is killed', async () => {
  await using folder = await temporaryFolder();
  const child = await otherProcess(folder.path);
  await expect(open(folder.path)).rejects.toMatchObject({
    code: 'journal_unavailable',
    message: expect.stringContaining(`in use by process ${child.pid}, since `),
  });
  child.kill('SIGKILL');
  await once(child, 'exit');
  const journal = await open(folder.path);
  await rm(join(folder.path, 'journal.db.owner'));
  await expect(open(folder.path)).rejects.toThrow('in use by another process');
  await journal.close();
  await (await open(folder.path)).close();
});

test('a file that is no journal is refused, and its lock let go', async () => {
  await using folder = await temporaryFolder();
  await writeFile(
    join(folder.path, 'journal.db'),
    'not a database, but long enough to be looked at as one'.repeat(20),
  );
  await expect(open(folder.path)).rejects.toMatchObject({ code: 'journal_unavailable' });
  await rm(join(folder.path, 'journal.db'));
  await (await open(folder.path)).close();
});

test('a damaged schema is refused, and the lock let go', async () => {
  await using folder = await temporaryFolder();
  const { DatabaseSync } = await import('node:sqlite');
  const database = new DatabaseSync(join(folder.path, 'journal.db'));
  database.exec('create table events (x)');
  database.close();
  await expect(open(folder.path)).rejects.toMatchObject({
    code: 'journal_unavailable',
    message: expect.stringContaining('events'),
  });
  await expect(open(folder.path)).rejects.toThrow('events');
});

test('whatever is on the disk between two statements is a journal in which every fact is whole', async () => {
  await using folder = await temporaryFolder();
  const live = join(folder.path, 'live');
  await mkdir(live);
  let images = 0;
  let wal: Buffer | undefined;
  const { run } = SqliteClient.prototype as Runs;
  const journal = await open(live);
  // What a kill -9 at this moment would leave behind.
  const spy = vi.spyOn(SqliteClient.prototype, 'run').mockImplementation(async function (
    this: SqliteClient,
    ...request
  ) {
    const result = await run.call(this, ...request);
    const bytes = await readFile(join(live, 'journal.db-wal'));
    // Nothing reaches the disk before the commit, unless a transaction is larger than the cache.
    if (wal?.equals(bytes)) return result;
    wal = bytes;
    const image = join(folder.path, `image-${images++}`);
    await mkdir(image);
    await cp(join(live, 'journal.db'), join(image, 'journal.db'));
    await writeFile(join(image, 'journal.db-wal'), bytes);
    return result;
  });
  const sessionId = await createSession(journal);
  const claim = claimOf(sessionId);
  const attempt = await claimed(journal, claim);
  await journal.steps.append(attempt, [delta('Hel')]);
  const call = toolCall();
  await journal.steps.finish(attempt, asksFor(call));
  await journal.ledger.answer(call.callId, { outcome: 'completed', result: 1 });
  await journal.ledger.settle({ ...claim, callId: call.callId, giveUp: false });
  await journal.steps.seal({
    sessionId,
    turn: claim.turn,
    step: 2,
    cause: 'stop',
    messages: [],
    turnSpend: spend(0),
  });
  spy.mockRestore();
  const log = await allEvents(journal, sessionId);
  await journal.close();
  expect(images).toBeGreaterThan(6);
  let longest = 0;
  for (let image = 0; image < images; image++) {
    const restored = await open(join(folder.path, `image-${image}`));
    const row = await restored.sessions.get(sessionId);
    const events = row ? await allEvents(restored, sessionId) : [];
    expect(events).toEqual(log.slice(0, events.length));
    // A transaction is there or it is not: its events, its rows and the projection agree.
    const has = (type: string) => events.some((event) => event.type === type);
    if (row) expect(await restored.sessions.rebuild(sessionId)).toBe(false);
    expect(has('turn.started')).toBe((await restored.events.transcript(sessionId)).length > 0);
    expect(has('tool.requested')).toBe((await restored.ledger.get(call.callId)) !== undefined);
    expect(has('tool.settled')).toBe((await restored.ledger.get(call.callId))?.state === 'settled');
    expect(has('turn.settled')).toBe(events.length === log.length);
    longest = Math.max(longest, events.length);
    await restored.close();
  }
  expect(longest).toBe(log.length);
});

test('a full disk postpones writes, and they are written once there is room', async () => {
  await using folder = await temporaryFolder();
  const warnings: string[] = [];
  const log = { warn: (_: object, message: string) => void warnings.push(message) };
  const journal = await openSqliteJournal({
    file: join(folder.path, 'journal.db'),
    synchronous: 'normal',
    log,
  });
  const { sessionId, attempt } = await openStep(journal);
  const limit = async (pages: number) => {
    const { run } = SqliteClient.prototype as Runs;
    const spy = vi.spyOn(SqliteClient.prototype, 'run');
    // On the journal's own connection, the next time it is used.
    spy.mockImplementationOnce(async function (this: SqliteClient, ...request) {
      await run.call(this, {
        side: 'writer',
        sql: `pragma max_page_count = ${pages}`,
        parameters: [],
      });
      return run.call(this, ...request);
    });
    await journal.sessions.get(sessionId);
    spy.mockRestore();
  };
  await limit(1);
  const written = journal.steps.append(attempt, [delta('x'.repeat(30_000))]);
  await expect.poll(() => warnings.length).toBeGreaterThan(1);
  const refused = claimOf(sessionId);
  await expect(
    journal.steps.claim({
      ...refused,
      messages: [
        { ...refused.messages[0]!, content: [{ type: 'text', text: 'y'.repeat(30_000) }] },
      ],
    }),
  ).rejects.toMatchObject({ code: 'journal_unavailable' });
  await expect(journal.ping()).rejects.toMatchObject({ code: 'journal_unavailable' });
  await limit(1_000_000);
  expect(await written).toBe(4);
  await journal.ping();
  expect((await allEvents(journal, sessionId)).length).toBe(4);
  await journal.close();
});

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

test('each batch is told of to whoever measures', async () => {
  await using folder = await temporaryFolder();
  const batches: { operations: number; events: readonly { type: string }[] }[] = [];
  const file = join(folder.path, 'a.db');
  const onBatch = (batch: (typeof batches)[number]) => void batches.push(batch);
  const journal = await openSqliteJournal({ file, synchronous: 'normal', onBatch });
  await openStep(journal);
  await journal.close();
  expect(batches).toMatchObject([
    { operations: 1, events: [{ type: 'message.accepted' }, { type: 'turn.started' }] },
  ]);
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
