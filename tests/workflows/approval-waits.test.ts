// Decisions that take a month, on the time-skipping server, with the journal's row in memory. What meets a decision: tests/api/approval-races.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { APPROVE, asking, DAY, decide, refusalOf } from './support/approving.ts';
import { askedCall } from './support/scripted-world.ts';
import { eventually, SessionKit, untilTurns } from './support/session-kit.ts';
import type { TestSession } from './support/session-kit.ts';

let kit: SessionKit;
beforeAll(async () => {
  kit = await SessionKit.start({ maxCachedWorkflows: 0 });
});
afterAll(() => kit[Symbol.asyncDispose]());

/** What has happened in a session, and which worker was the last to work at it. */
const historyOf = async ({ handle }: TestSession) => {
  const { events } = await handle.fetchHistory();
  const tasks = events!.flatMap((event) => event.workflowTaskStartedEventAttributes ?? []);
  const hasFired = events!.some((event) => event.timerFiredEventAttributes);
  return { events: events!.length, worker: tasks.at(-1)?.identity, hasFired };
};

test('a decision after 30 days of waiting, in which no worker lives to the end and nothing happens, runs the call', async () => {
  const { approvalId } = askedCall().approval;
  const call = askedCall({ approval: { approvalId, waitMs: 40 * DAY } });
  const session = await asking(kit, [call]);
  const before = await historyOf(session);
  let worker: string | undefined;
  for (let days = 0; days < 30; days += 6) {
    await kit.pass(3 * DAY);
    await kit.stopWorkers();
    // Without any worker.
    await kit.pass(3 * DAY);
    worker = await kit.startWorkers();
  }
  expect(await historyOf(session)).toEqual(before);
  expect(session.world.asks).toHaveLength(1);
  expect(await decide(session, call, APPROVE)).toBe('approved');
  await untilTurns(session, 2);
  expect(session.world.tools).toMatchObject([{ callId: call.callId }]);
  // By a process that had never heard of it.
  expect(await historyOf(session)).toMatchObject({ worker });
  expect(worker).not.toBe(before.worker);
  await session.stop();
});

test.each([
  ['while a worker runs that knows nothing of it', true],
  ['while no worker runs', false],
])('after 30 days nobody has decided, and it expires %s', async (_, isThere) => {
  const { approvalId } = askedCall().approval;
  const call = askedCall({ approval: { approvalId, waitMs: 30 * DAY } });
  const session = await asking(kit, [call]);
  await kit.pass(15 * DAY);
  await kit.stopWorkers();
  await kit.pass(14 * DAY);
  if (isThere) await kit.startWorkers();
  expect(session.world.approvals.size).toBe(0);
  const passing = kit.pass(2 * DAY);
  if (!isThere) {
    // The server lets no time pass while a task waits for a worker.
    await eventually(async () => (await historyOf(session)).hasFired, 'its time is over');
    await kit.startWorkers();
  }
  await passing;
  await untilTurns(session, 2);
  expect(session.world.approvals.get(approvalId)).toMatchObject({ outcome: 'expired' });
  expect(session.world.tools).toEqual([]);
  expect(await refusalOf(decide(session, call, APPROVE))).toBe('approval_stale');
  await session.stop();
});
