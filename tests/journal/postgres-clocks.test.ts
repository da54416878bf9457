/** Leases and deadlines where the hosts' clocks differ by an hour: the database's counts. */
import pg from 'pg';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import type { CallId, SessionId } from '../../contracts/ids.ts';
import type { Journal } from '../../journal/port.ts';
import type { Queries } from './support/cuts.ts';
import { emptyJournal, postgres } from './support/dialects.ts';
import { OWNER, openCalls, toolCall } from './support/facts.ts';

const HOUR_MS = 3_600_000;
const LEASE_MS = 600_000;

let opened: Awaited<ReturnType<typeof emptyJournal>>;
/** On the same database, as another host has it. */
let other: Journal;
/** How wrong the clock of the host is that speaks. */
let wrongByMs = 0;
const right = () => Math.round(performance.timeOrigin + performance.now());
beforeAll(async () => {
  vi.spyOn(Date, 'now').mockImplementation(() => right() + wrongByMs);
  opened = await emptyJournal(postgres);
  other = await opened.database.open();
});
afterAll(async () => {
  await other.close();
  await opened[Symbol.asyncDispose]();
  vi.restoreAllMocks();
});

/** As on a host whose clock is wrong by so much. */
async function wrongBy<T>(ms: number, work: () => Promise<T>): Promise<T> {
  wrongByMs = ms;
  try {
    return await work();
  } finally {
    wrongByMs = 0;
  }
}

const remoteCall = () => toolCall({ mode: 'remote', timeoutMs: 10 * LEASE_MS });
const lease = (journal: Journal, callId: CallId, holder: string) =>
  journal.ledger.lease(callId, { holder, leaseMs: LEASE_MS });
/** What each host would offer to its runners. */
const offered = async (journal: Journal, sessionId: SessionId) =>
  (await journal.ledger.remote({ sessionIds: [sessionId] }, 10))
    .filter(({ claimable }) => claimable)
    .map(({ callId }) => callId);

test('a call that one host has given away is free on no other one, however wrong their clocks are', async () => {
  const { journal } = opened;
  for (const [first, second] of [
    [0, HOUR_MS],
    [-HOUR_MS, 0],
    [-HOUR_MS, HOUR_MS],
  ] as const) {
    const { callId, ...call } = remoteCall();
    const { sessionId, turn } = await openCalls(journal, { callId, ...call });
    const held = await wrongBy(first, () => lease(journal, callId, 'one'));
    expect(held).toMatchObject({ holder: 'one', claimable: false });
    await wrongBy(second, async () => {
      expect(await lease(other, callId, 'two')).toBeUndefined();
      expect(await offered(other, sessionId)).toEqual([]);
      expect((await other.ledger.overdue(0, { limit: 10 })).items).toEqual([]);
      const settling = { sessionId, turn, step: 1, callId, giveUp: true };
      expect(await other.ledger.settle(settling)).toMatchObject({ state: 'open' });
      expect((await other.ledger.get(callId))?.dueInMs).toBeGreaterThan(8 * LEASE_MS);
    });
    // Renewed by the first one, it stays so.
    await wrongBy(first, () => lease(journal, callId, 'one'));
    expect(await wrongBy(second, () => lease(other, callId, 'two'))).toBeUndefined();
  }
});

test('a lease that is over is over for all, and the wrong clock of its next host makes it no longer', async () => {
  const { journal, database } = opened;
  const call = remoteCall();
  const { sessionId } = await openCalls(journal, call);
  await lease(journal, call.callId, 'one');
  const past = (column: string) =>
    `update perdure.tool_calls set ${column} = extract(epoch from clock_timestamp()) * 1000 - 60000 where call_id = '${call.callId}'`;
  await database.execute(past('lease_ends_at'));
  await wrongBy(-HOUR_MS, async () => {
    expect(await offered(other, sessionId)).toEqual([call.callId]);
    const [pending] = await other.ledger.pending({ ...OWNER, sessionId }, 10);
    expect(pending).toMatchObject({ holder: 'one', claimable: true });
  });
  expect(await wrongBy(HOUR_MS, () => lease(other, call.callId, 'two'))).toMatchObject({
    holder: 'two',
  });
  await database.execute(past('lease_ends_at'));
  expect(await lease(journal, call.callId, 'three')).toMatchObject({ holder: 'three' });
  await database.execute(past('due_at'));
  const { items } = await wrongBy(-HOUR_MS, () => other.ledger.overdue(0, { limit: 10 }));
  expect(items).toEqual([{ callId: call.callId, sessionId }]);
});

test('an event of a host whose clock was fast makes no lease longer', async () => {
  const { journal, database } = opened;
  const call = remoteCall();
  const { sessionId } = await openCalls(journal, call);
  await database.execute(
    `update perdure.sessions set updated_at = updated_at + ${HOUR_MS} where id = '${sessionId}'`,
  );
  const held = await lease(journal, call.callId, 'one');
  expect(Date.parse(held!.leaseEndsAt!) - Date.now()).toBeLessThan(2 * LEASE_MS);
});

test('the time comes with the locks: a batch has no statement more', async () => {
  const { journal } = opened;
  const call = remoteCall();
  await openCalls(journal, call);
  await lease(journal, call.callId, 'one');
  const sent: string[] = [];
  const prototype = pg.Client.prototype as unknown as Queries;
  const { query } = prototype;
  using _spy = vi.spyOn(prototype, 'query').mockImplementation(function (
    this: pg.Client,
    ...args: unknown[]
  ) {
    const [asked] = args as [string | { readonly text?: string }];
    sent.push(typeof asked === 'string' ? asked : (asked.text ?? ''));
    return query.apply(this, args);
  });
  await lease(journal, call.callId, 'one');
  const timed = sent.filter((text) => text.includes('clock_timestamp'));
  expect(timed).toEqual([expect.stringContaining('for update of s')]);
  expect(sent[sent.indexOf(timed[0]!) - 1]).toBe('begin');
});
