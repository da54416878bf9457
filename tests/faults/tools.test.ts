import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { TOOLS } from './effect-server.ts';
import { openToolSession, startToolFleet } from './tool-fleet.ts';
import type { ToolFleet } from './tool-fleet.ts';

let fleet: ToolFleet;
beforeAll(async () => {
  fleet = await startToolFleet();
}, 240_000);
afterAll(() => fleet[Symbol.asyncDispose]());

const effects = () => ({
  never: fleet.world.done('never'),
  probed: fleet.world.done('probed'),
  keyed: fleet.world.done('keyed'),
});

const everyCall = (outcome: string) => ({
  never: outcome,
  probed: outcome,
  keyed: outcome,
  read: outcome,
});

/** A session whose four calls, one of each kind, wait at the gate before or after their effect. */
async function heldCalls(stage: 'before' | 'after') {
  await using opened = new AsyncDisposableStack();
  const session = opened.use(await openToolSession(fleet));
  fleet.world.hold(stage);
  const turn = await session.call(TOOLS);
  await fleet.world.waiting(stage, 4);
  const kept = opened.move();
  return { turn, session, [Symbol.asyncDispose]: () => kept.disposeAsync() };
}

/** kill -9, and another one; `meanwhile` happens while there is none. */
async function restartWorker(meanwhile: () => void = () => undefined): Promise<void> {
  await fleet.cluster.workers[0]?.kill();
  meanwhile();
  await fleet.cluster.workers[0]?.start();
}

describe('kill -9 of the worker', () => {
  test('before it has claimed its calls: each runs once', async () => {
    await using session = await openToolSession(fleet);
    const turn = await session.call(TOOLS, { text: 'let me see', holdAfter: 2 });
    await session.watcher.until('text', () => session.watcher.text(turn) !== '');
    // Temporal hears nothing of what the worker commits to the journal from here on, and hands out no call.
    fleet.cluster.temporal.signal('SIGSTOP');
    fleet.cluster.model.release();
    await session.requested(turn, 4);
    await restartWorker(() => fleet.cluster.temporal.signal('SIGCONT'));
    expect(await session.outcomes(turn)).toEqual(everyCall('completed'));
    expect(effects()).toEqual({ never: 1, probed: 1, keyed: 1 });
    expect(fleet.world.effects('read')).toHaveLength(1);
    session.expectWellFormed();
  });

  test('after the claim, before the effect: what may run again does, the rest is unknown or found out', async () => {
    await using held = await heldCalls('before');
    const { session, turn } = held;
    await restartWorker(() => fleet.world.go());
    expect(await session.outcomes(turn)).toEqual({
      never: 'unknown',
      // The probe found nothing, and the process that ran it is gone.
      probed: 'completed',
      keyed: 'completed',
      read: 'completed',
    });
    expect(effects()).toEqual({ never: 0, probed: 1, keyed: 1 });
    await session.expectOrdinaryTurn();
  });

  test('after the effect, before the result: nothing that must not happen twice does', async () => {
    await using held = await heldCalls('after');
    const { session, turn } = held;
    await restartWorker(() => fleet.world.go());
    expect(await session.outcomes(turn)).toEqual({
      never: 'unknown',
      probed: 'completed',
      keyed: 'completed',
      read: 'completed',
    });
    expect(effects()).toEqual({ never: 1, probed: 1, keyed: 1 });
    // It was repeated, under the same key, by another process.
    const [first, second] = fleet.world.effects('keyed');
    expect(fleet.world.effects('keyed')).toHaveLength(2);
    expect(second).toMatchObject({ key: first!.callId, repeated: true });
    expect(first).toMatchObject({ key: first!.callId, repeated: false });
    expect(second!.pid).not.toBe(first!.pid);
    await session.expectOrdinaryTurn();
  });

  test('after the result: it stays, and nothing runs again', async () => {
    await using held = await heldCalls('after');
    const { session, turn } = held;
    // Temporal does not hear that the activities are done.
    fleet.cluster.temporal.signal('SIGSTOP');
    fleet.world.go();
    await session.settledCalls(turn, 4);
    await restartWorker(() => fleet.cluster.temporal.signal('SIGCONT'));
    expect(await session.outcomes(turn)).toEqual(everyCall('completed'));
    expect(effects()).toEqual({ never: 1, probed: 1, keyed: 1 });
    expect(fleet.world.arrived.filter(({ stage }) => stage === 'before')).toHaveLength(4);
    await session.expectOrdinaryTurn();
  });
});

test('a worker that stands still past its heartbeat and goes on: what it was doing happens once, its results are refused', async () => {
  await using held = await heldCalls('before');
  const { session, turn } = held;
  const frozen = fleet.cluster.workers[0];
  frozen?.signal('SIGSTOP');
  await using other = await fleet.cluster.addWorker();
  // Those that may run again come to the gate a second time, in the other worker.
  await fleet.world.waiting('before', 6);
  await session.settledCalls(turn, 2);
  fleet.world.go();
  expect(await session.outcomes(turn)).toEqual({
    never: 'unknown',
    // Nothing has happened, but the frozen worker may go on: it was not run again.
    probed: 'unknown',
    keyed: 'completed',
    read: 'completed',
  });
  const before = session.watcher.events.length;
  frozen?.signal('SIGCONT');
  expect(await frozen?.drain()).toBe(0);
  expect(effects()).toMatchObject({ keyed: 1 });
  expect(fleet.world.effects('never').length).toBeLessThanOrEqual(1);
  expect(fleet.world.effects('probed').length).toBeLessThanOrEqual(1);
  await session.expectOrdinaryTurn();
  const late = session.watcher.events.slice(before).filter((event) => event.turn === turn);
  expect(late).toEqual([]);
  expect(other.running).toBe(true);
  await frozen?.start();
});

test('an interrupt in mid-call stops the tools, and the session goes on', async () => {
  await using held = await heldCalls('before');
  const { session, turn } = held;
  await session.post('interrupt');
  expect(await session.outcomes(turn)).toEqual(everyCall('interrupted'));
  await session.expectOrdinaryTurn();
  // They heard of it before they were let go on.
  fleet.world.go();
  await session.expectOrdinaryTurn();
  expect(effects()).toEqual({ never: 0, probed: 0, keyed: 0 });
});

test('a stop in mid-call stops the tools, and each call has its result', async () => {
  await using held = await heldCalls('before');
  const { session, turn } = held;
  await session.post('stop');
  expect(await session.outcomes(turn)).toEqual(everyCall('interrupted'));
  await session.watcher.until('the end', (events) =>
    events.some(({ type }) => type === 'session.ended'),
  );
  fleet.world.go();
  expect(effects()).toEqual({ never: 0, probed: 0, keyed: 0 });
});

test('a result of 50 MB is a failure that says so; the worker lives', async () => {
  await using session = await openToolSession(fleet);
  const turn = await session.call(['flood']);
  expect(await session.outcomes(turn)).toEqual({ flood: 'failed' });
  expect(JSON.stringify(session.watcher.events)).toContain('its result has 52428800 bytes');
  await session.expectOrdinaryTurn();
});

test('100 calls at once, of two sessions, with a worker killed among them: each happens once', async () => {
  await using one = await openToolSession(fleet);
  await using two = await openToolSession(fleet);
  fleet.world.hold('after');
  const calls = Array.from({ length: 50 }, () => 'keyed');
  const first = await one.call(calls);
  await one.requested(first, 50);
  const second = await two.call(calls);
  await two.requested(second, 50);
  await fleet.world.waiting('after', 10);
  fleet.world.go();
  await restartWorker();
  expect(await one.outcomes(first)).toEqual({ keyed: 'completed' });
  expect(await two.outcomes(second)).toEqual({ keyed: 'completed' });
  expect(effects()).toMatchObject({ keyed: 100 });
});
