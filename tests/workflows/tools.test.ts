import { ApplicationFailure } from '@temporalio/common';
import { expect, test } from 'vitest';
import { callsTools, completed, spent, toolCall } from './support/scripted-world.ts';
import {
  eventually,
  kitWithSkippedTime,
  untilStatus,
  untilTurns,
  userMessage,
} from './support/session-kit.ts';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
// Real time passes on the skipped clock, too: with these a test has hours to spare, and no session ends beside the call.
const PATIENT = { idleMs: 10 * HOUR, lifetimeMs: 100 * HOUR };

const kit = await kitWithSkippedTime();

test('calls of one step run in parallel, in a worker and at a client, and the next step follows', async () => {
  const inWorker = toolCall({
    mode: 'worker',
    effect: 'read',
    timeoutMs: 60_000,
    summary: 'README.md',
  });
  const atClient = toolCall();
  const done = toolCall({ settled: true });
  const session = await kit.session({
    message: userMessage(),
    script: [callsTools([atClient, inWorker, done], spent(7))],
    otherwise: completed(spent(5)),
  });
  await eventually(() => session.world.tools.length === 1, 'the tool in the worker');
  await eventually(
    async () => (await session.handle.query<string[]>('pendingCalls')).length === 1,
    'one call left',
  );
  expect(await session.handle.query('pendingCalls')).toEqual([atClient.callId]);
  await session.handle.signal('toolResult', { callId: atClient.callId });
  await untilStatus(session, { turns: 1, state: 'waiting' });
  expect(session.world.tools).toMatchObject([
    { callId: inWorker.callId, name: 'look', step: 1, timeoutMs: 60_000 },
  ]);
  expect(session.world.settles).toMatchObject([{ callId: atClient.callId, giveUp: false }]);
  expect(session.world.steps[1]).toMatchObject({
    step: 2,
    messages: [],
    turnSpend: { usage: { outputTokens: 7 } },
  });
  await session.stop();
});

test('a result that comes before the workflow knows of the call is not lost', async () => {
  const call = toolCall();
  const session = await kit.session();
  session.world.script = [
    async (input) => {
      await session.handle.signal('toolResult', { callId: call.callId });
      return callsTools([call])(input);
    },
  ];
  session.world.otherwise = completed();
  await session.send();
  await untilStatus(session, { turns: 1, state: 'waiting' });
  expect(session.world.settles).toHaveLength(1);
  await session.stop();
});

test('a call that no client takes for 24 hours is given up', async () => {
  const call = toolCall();
  const session = await kit.session({
    message: userMessage(),
    limits: PATIENT,
    script: [callsTools([call])],
    otherwise: completed(),
  });
  await untilTurns(session, 1);
  await kit.pass(23 * HOUR);
  expect(session.world.settles).toEqual([]);
  await kit.pass(2 * HOUR);
  await untilTurns(session, 2);
  expect(session.world.settles).toMatchObject([{ callId: call.callId, giveUp: true }]);
  await session.stop();
});

test('a claimed call is asked for again when its own time is up', async () => {
  const call = toolCall();
  const session = await kit.session({
    message: userMessage(),
    limits: PATIENT,
    script: [callsTools([call])],
    otherwise: completed(),
  });
  await untilTurns(session, 1);
  const { searchAttributes: _, startTime } = await session.handle.describe();
  const dueAt = new Date(startTime.getTime() + 50 * MINUTE).toISOString();
  session.world.settling = () =>
    session.world.settles.length < 2
      ? { state: 'open', dueAt }
      : { state: 'settled', outcome: 'timed_out' };
  await session.handle.signal('toolResult', { callId: call.callId });
  await eventually(() => session.world.settles.length === 1, 'first look');
  await kit.pass(40 * MINUTE);
  expect(session.world.settles).toHaveLength(1);
  await kit.pass(20 * MINUTE);
  await untilTurns(session, 2);
  expect(session.world.settles).toHaveLength(2);
  expect(session.world.settles[1]?.giveUp).toBe(false);
  await session.stop();
});

test('an open call that nobody has claimed goes on waiting for its claim', async () => {
  const call = toolCall();
  const session = await kit.session({
    message: userMessage(),
    limits: { ...PATIENT, toolClaimMs: HOUR },
    script: [callsTools([call])],
    otherwise: completed(),
  });
  session.world.settling = ({ giveUp }) =>
    giveUp ? { state: 'settled', outcome: 'timed_out' } : { state: 'open', dueAt: null };
  await untilTurns(session, 1);
  await session.handle.signal('toolResult', { callId: call.callId });
  await kit.pass(HOUR + MINUTE);
  await untilTurns(session, 2);
  expect(session.world.settles.map(({ giveUp }) => giveUp)).toEqual([false, true]);
  await session.stop();
});

test('a tool that no worker could run still gets one result', async () => {
  const call = toolCall({ mode: 'worker', effect: 'never-retry' });
  const session = await kit.session({
    message: userMessage(),
    script: [callsTools([call])],
    otherwise: completed(),
  });
  session.world.executing = () => {
    throw ApplicationFailure.nonRetryable('the disk is gone');
  };
  await untilStatus(session, { turns: 1, state: 'waiting' });
  expect(session.world.tools).toHaveLength(1);
  expect(session.world.settles).toMatchObject([
    {
      callId: call.callId,
      giveUp: true,
      error: { code: 'tool_failed', message: expect.stringContaining('the disk is gone') },
    },
  ]);
  await session.stop();
});

test('a call of each mode goes where its mode says: to an activity, or to whoever claims it', async () => {
  const calls = (['worker', 'mcp', 'client', 'remote'] as const).map((mode) => toolCall({ mode }));
  const session = await kit.session({
    message: userMessage(),
    script: [callsTools(calls)],
    otherwise: completed(),
  });
  await eventually(() => session.world.tools.length === 2, 'the calls that a worker executes');
  const executed = session.world.tools.map(({ callId }) => callId);
  expect(executed.toSorted()).toEqual([calls[0]!.callId, calls[1]!.callId].toSorted());
  for (const { callId } of calls.slice(2)) await session.handle.signal('toolResult', { callId });
  await untilStatus(session, { turns: 1, state: 'waiting' });
  expect(session.world.settles.map(({ callId }) => callId).toSorted()).toEqual(
    [calls[2]!.callId, calls[3]!.callId].toSorted(),
  );
  await session.stop();
});

test('a tool is tried as often as its effect allows, with the declared waits', async () => {
  const session = await kit.session({
    message: userMessage(),
    policies: { toolRead: { attempts: 2, firstWaitMs: 10 } },
    script: [callsTools([toolCall({ mode: 'worker', effect: 'read' })])],
    otherwise: completed(),
  });
  session.world.executing = () => {
    throw new Error('again');
  };
  await session.send();
  await eventually(async () => {
    await kit.pass(SECOND);
    return session.world.settles.length === 1;
  }, 'the ledger settles it');
  expect(session.world.tools).toHaveLength(2);
  await session.stop();
});

test('workers run so many calls of one step at once as the session allows, and each of them', async () => {
  const calls = Array.from({ length: 7 }, () => toolCall({ mode: 'worker', effect: 'read' }));
  const session = await kit.session({
    message: userMessage(),
    limits: { parallelCalls: 2 },
    script: [callsTools(calls)],
    otherwise: completed(),
  });
  let running = 0;
  let most = 0;
  session.world.executing = async () => {
    running += 1;
    most = Math.max(most, running);
    await new Promise((resolve) => setTimeout(resolve, 20));
    running -= 1;
  };
  await untilStatus(session, { turns: 1, state: 'waiting' });
  expect(most).toBe(2);
  const ran = session.world.tools.map(({ callId }) => callId);
  expect(ran.toSorted()).toEqual(calls.map(({ callId }) => callId).toSorted());
  await session.stop();
});

test('an interrupt ends the calls that run, and those that wait for a place never begin', async () => {
  const calls = Array.from({ length: 5 }, () =>
    toolCall({ mode: 'worker', effect: 'never-retry' }),
  );
  const session = await kit.session({
    message: userMessage(),
    limits: { parallelCalls: 2 },
    script: [callsTools(calls)],
    otherwise: completed(),
  });
  session.world.executing = () => new Promise(() => undefined);
  await eventually(() => session.world.tools.length === 2, 'two tools run');
  await session.handle.signal('interruptTurn', {});
  await untilStatus(session, { turns: 1, state: 'waiting' });
  expect(session.world.seals).toMatchObject([{ cause: 'interrupt' }]);
  await session.send();
  await untilStatus(session, { turns: 2, state: 'waiting' });
  expect(session.world.tools).toHaveLength(2);
  await session.stop();
});
