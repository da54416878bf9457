import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { SqliteClient } from '../../journal/sqlite/client.ts';
import { openSqliteJournal } from '../../journal/sqlite.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
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
