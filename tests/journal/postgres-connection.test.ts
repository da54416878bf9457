import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { expect, test, vi } from 'vitest';
import { migrate } from '../../journal/migrate.ts';
import type { Journal } from '../../journal/port.ts';
import { faultOf } from '../../journal/postgres/faults.ts';
import { openPostgresJournal } from '../../journal/postgres.ts';
import { freePort } from '../../servers/child.ts';
import { startPostgres } from '../../servers/postgres.ts';
import { cutting } from './support/cuts.ts';
import type { Queries } from './support/cuts.ts';
import { emptyJournal, postgres } from './support/dialects.ts';
import type { Connected } from './support/dialects.ts';
import {
  allEvents,
  answer,
  claimOf,
  delta,
  deltasOf,
  openStep,
  OWNER,
  types,
} from './support/facts.ts';

test.each(['before', 'after'] as const)(
  'a connection that breaks %s any statement loses nothing and doubles nothing',
  async (moment) => {
    await using opened = await emptyJournal(postgres);
    const { journal } = opened;
    const { sessionId, attempt } = await openStep(journal);
    using cuts = cutting(moment);
    let written = '';
    for (let statement = 1; ; statement++) {
      cuts.at(statement);
      await journal.steps.append(attempt, [delta(`${statement};`)]);
      written += `${statement};`;
      if (!cuts.made()) break;
    }
    cuts.at(Infinity);
    expect(written.split(';').length).toBeGreaterThan(5);
    for (let statement = 1; ; statement++) {
      const next = await openStep(journal);
      cuts.at(statement);
      await journal.steps.finish(next.attempt, answer('Hello', 1));
      const cut = cuts.made();
      cuts.at(Infinity);
      expect(types(await allEvents(journal, next.sessionId)).slice(3)).toEqual([
        'content.completed',
        'model.settled',
        'usage.recorded',
        'turn.settled',
      ]);
      if (!cut) break;
    }
    cuts.at(Infinity);
    expect(deltasOf(await allEvents(journal, sessionId))).toBe(written);
    expect(await journal.sessions.rebuild(sessionId)).toBe(false);
  },
);

test('a server that goes away while it commits leaves the write in doubt, and the writer is told', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'perdure-pg-'));
  const server = await startPostgres({ folder });
  await migrate({ url: server.url }, 'up');
  const journal = await openPostgresJournal({ url: server.url, poolSize: 2, fateMs: 300 });
  const { attempt } = await openStep(journal);
  const prototype = pg.Client.prototype as unknown as Queries;
  const { query } = prototype;
  const stopped = Promise.withResolvers<void>();
  using spy = vi.spyOn(prototype, 'query').mockImplementation(function (
    this: pg.Client,
    ...args: unknown[]
  ) {
    const call = () => query.apply(this, args);
    if ((args[0] as { readonly text?: string }).text !== 'commit') return call();
    return server.stop().then(() => {
      stopped.resolve();
      return call();
    });
  });
  const writing = journal.steps.append(attempt, [delta('x')]);
  await expect(writing).rejects.toMatchObject({
    code: 'journal_unavailable',
    message: expect.stringContaining('while it committed'),
  });
  await stopped.promise;
  spy.mockRestore();
  await journal.close();
  await rm(folder, { recursive: true });
});

async function untilUp(journal: Journal): Promise<void> {
  await expect
    .poll(
      () =>
        journal.ping().then(
          () => true,
          () => false,
        ),
      { timeout: 20_000 },
    )
    .toBe(true);
}

test('a restart of the server interrupts nobody for good: writes wait, tails go on, attempts still hear of their end', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'perdure-pg-'));
  const port = await freePort();
  const first = await startPostgres({ folder, port });
  await migrate({ url: first.url }, 'up');
  const warnings = new Set<string>();
  const log = { warn: (_: object, message: string) => void warnings.add(message) };
  const journal = await openPostgresJournal({ url: first.url, poolSize: 4, log });
  const { sessionId, turn, attempt } = await openStep(journal);
  const other = await openStep(journal);
  const stop = new AbortController();
  let text = '';
  const tailing = (async () => {
    for await (const events of journal.events.tail(sessionId, { after: 0, signal: stop.signal }))
      text += deltasOf(events);
  })();
  const closed = journal.steps.whenClosed(other.attempt, stop.signal);
  await journal.steps.append(attempt, [delta('before ')]);
  await expect.poll(() => text).toBe('before ');
  await first.stop();
  const waiting = journal.steps.append(attempt, [delta('after')]);
  await expect(journal.sessions.get(sessionId)).rejects.toMatchObject({
    code: 'journal_unavailable',
  });
  await expect(journal.steps.claim(claimOf(sessionId))).rejects.toMatchObject({
    code: 'journal_unavailable',
  });
  await expect(journal.contexts.set(OWNER, 'c', null)).rejects.toMatchObject({
    code: 'journal_unavailable',
  });
  // The slow poll finds nobody there.
  await expect.poll(() => warnings.size, { timeout: 20_000 }).toBe(5);
  const second = await startPostgres({ folder, port });
  await untilUp(journal);
  await waiting;
  await expect.poll(() => text, { timeout: 20_000 }).toBe('before after');
  await journal.steps.seal({
    sessionId: other.sessionId,
    turn: other.turn,
    step: 1,
    cause: 'stop',
    messages: [],
    turnSpend: answer('').spend,
  });
  expect(await closed).toBe('sealed');
  await journal.steps.finish(attempt, answer('before after'));
  expect((await journal.events.transcript(sessionId)).at(-1)).toMatchObject({ id: `${turn}/1` });
  expect([...warnings].toSorted()).toEqual([
    'cannot read new events',
    'cannot read which attempts were closed',
    'lost an idle connection to the journal',
    'lost the connection for notifications',
    'the journal cannot be written, trying again',
  ]);
  stop.abort();
  await tailing;
  await journal.close();
  await second.stop();
  await rm(folder, { recursive: true });
});

test('a journal is closed while its server is gone, and refuses what waits', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'perdure-pg-'));
  const server = await startPostgres({ folder });
  await migrate({ url: server.url }, 'up');
  const journal = await openPostgresJournal({ url: server.url, poolSize: 2 });
  const { attempt } = await openStep(journal);
  await server.stop();
  const waiting = journal.steps.append(attempt, [delta('x')]).catch((error: unknown) => error);
  await new Promise((resolve) => setTimeout(resolve, 200));
  await journal.close();
  expect(await waiting).toMatchObject({ code: 'journal_unavailable' });
  await rm(folder, { recursive: true });
});

async function waitingForLocks(connected: Connected): Promise<number | null> {
  const { rowCount } = await connected.query(
    `select 1 from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()`,
  );
  return rowCount;
}

test('a batch takes its locks in the order of the keys, whatever the order of its writes', async () => {
  await using opened = await emptyJournal(postgres);
  const { journal, database } = opened;
  const steps: Awaited<ReturnType<typeof openStep>>[] = [];
  for (let i = 0; i < 12; i++) steps.push(await openStep(journal));
  await using other = await database.connect();
  const lock = (more: string) => `select key from perdure.sessions ${more} for update skip locked`;
  await other.query(`begin; ${lock(`where id = '${steps[0]!.sessionId}'`)}`);
  const writing = Promise.all(
    steps.toReversed().map(({ attempt }) => journal.steps.append(attempt, [delta('x')])),
  );
  await expect.poll(() => waitingForLocks(other)).toBe(1);
  // It waits for the first one and holds none of the others: so nobody who holds some can wait for it.
  const free = await other.query(lock(''));
  expect(free.rowCount).toBe(12);
  await other.query('rollback');
  expect(await writing).toEqual(steps.map(() => 4));
});

test('a transaction that the database gave up for a deadlock is written again', async () => {
  await using opened = await emptyJournal(postgres);
  const { journal, database } = opened;
  const [first, second] = [await openStep(journal), await openStep(journal)];
  const lock = (id: string) => `select key from perdure.sessions where id = '${id}' for update`;
  await using other = await database.connect();
  await other.query(`begin; ${lock(second.sessionId)}`);
  const writing = Promise.all(
    [first, second].map((step) => journal.steps.append(step.attempt, [delta('x')])),
  );
  await expect.poll(() => waitingForLocks(other)).toBe(1);
  await other.query(lock(first.sessionId));
  await other.query('commit');
  expect(await writing).toEqual([4, 4]);
  for (const { sessionId } of [first, second])
    expect(deltasOf(await allEvents(journal, sessionId))).toBe('x');
});

test('its faults are told apart', () => {
  const coded = (code: string) => Object.assign(new Error(code), { code });
  expect(['40001', '40P01', '55P03'].map((code) => faultOf(coded(code)))).toEqual([
    'retry',
    'retry',
    'retry',
  ]);
  expect(['22P02', '23505', '54000'].map((code) => faultOf(coded(code)))).toEqual([
    'data',
    'data',
    'data',
  ]);
  expect(['42P01', '0A000', 'XX000'].map((code) => faultOf(coded(code)))).toEqual([
    'bug',
    'bug',
    'bug',
  ]);
  const unavailable = [
    '57P01',
    '08006',
    '53100',
    '57014',
    '25006',
    '28P01',
    'ECONNREFUSED',
    'ETIMEDOUT',
  ];
  expect(new Set(unavailable.map((code) => faultOf(coded(code))))).toEqual(
    new Set(['unavailable']),
  );
  expect(faultOf(new Error('Connection terminated unexpectedly'))).toBe('unavailable');
  expect(faultOf(new TypeError('x is not a function'))).toBe('bug');
  expect(faultOf(coded('journal_unavailable'))).toBe('bug');
});
