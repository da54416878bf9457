// On the real server: the time-skipping one adds a workflow task of its own where a query meets a running one.
import { expect, test } from 'vitest';
import { gate } from './support/gate.ts';
import { completed } from './support/scripted-world.ts';
import { eventually, kitOnRealServer, userMessage } from './support/session-kit.ts';
import type { TestSession } from './support/session-kit.ts';

const kit = await kitOnRealServer();

/** What the server says that it stores, once `turns` turns are over. */
async function sizeAfter(
  session: TestSession,
  turns: number,
): Promise<{ events: number; bytes: number }> {
  await eventually(async () => {
    const { events = [] } = await session.handle.fetchHistory();
    const over = events?.filter((event) => event.activityTaskCompletedEventAttributes).length ?? 0;
    const last = events?.at(-1);
    return (
      over === turns &&
      Boolean(last?.workflowTaskCompletedEventAttributes ?? last?.markerRecordedEventAttributes)
    );
  }, `${turns} turns`);
  const { historyLength, raw } = await session.handle.describe();
  return { events: historyLength, bytes: Number(raw.workflowExecutionInfo?.historySizeBytes) };
}

test('a plain turn adds at most 10 events and 2.2 kB, at the twentieth as at the second', async () => {
  const session = await kit.session();
  session.world.otherwise = completed();
  const sizes = [await sizeAfter(session, 0)];
  for (let turn = 1; turn <= 20; turn++) {
    await session.send('enqueue', 'x'.repeat(200));
    sizes.push(await sizeAfter(session, turn));
  }
  const added = sizes.slice(1).map(({ events, bytes }, index) => ({
    events: events - (sizes[index]?.events ?? 0),
    bytes: bytes - (sizes[index]?.bytes ?? 0),
  }));
  for (const { events, bytes } of added) {
    expect(events).toBeLessThanOrEqual(10);
    expect(bytes).toBeLessThanOrEqual(2_200);
  }
  // Numbers of events and turns get a digit longer, nothing else.
  expect((added.at(-1)?.bytes ?? 0) - (added[1]?.bytes ?? 0)).toBeLessThan(40);
  await session.stop();
});

test('a turn opened by a queued message adds at most 15 events', async () => {
  const held = gate();
  const session = await kit.session({
    message: userMessage(),
    script: [held.step],
    otherwise: completed(),
  });
  await eventually(() => session.world.steps.length === 1, 'the first step');
  const before = (await session.handle.describe()).historyLength;
  await session.send();
  await eventually(() => session.world.facts.length === 1, 'message.queued');
  held.open();
  const { events } = await sizeAfter(session, 2);
  // The first turn's own end is in there too: its activity's start and completion, and the task that sees it (two events; the third opens the next turn).
  expect(events - before - 4).toBeLessThanOrEqual(15);
  await session.stop();
});

test('search attributes and what was carried survive continue-as-new', async () => {
  const session = await kit.session({ limits: { historyEvents: 30 } });
  session.world.otherwise = completed();
  const first = (await session.handle.describe()).runId;
  for (let turns = 1; turns <= 5; turns++) {
    await session.send();
    await eventually(async () => session.world.steps.length === turns, `turn ${turns}`);
  }
  await eventually(async () => (await session.status()).turns === 5, 'five turns');
  const { runId, searchAttributes } = await session.handle.describe();
  expect(runId).not.toBe(first);
  expect(searchAttributes['PerdureState']).toEqual(['starting']);
  await session.stop();
  await eventually(
    async () => (await session.handle.describe()).searchAttributes['PerdureState']?.[0] === 'ended',
    'state',
  );
});

test('a reconfiguration of the time limits takes effect at once', async () => {
  const session = await kit.session();
  await session.handle.executeUpdate('reconfigure', { args: [{ limits: { idleMs: 300 } }] });
  await session.handle.result();
  expect(session.world.factsOf('session.ended')).toEqual([{ reason: 'idle' }]);
});
