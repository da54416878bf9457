import { WorkflowUpdateFailedError } from '@temporalio/client';
import { expect, test } from 'vitest';
import { newId } from '../../contracts/ids.ts';
import { gate } from './support/gate.ts';
import { completed, spent, toolCall } from './support/scripted-world.ts';
import { eventually, kitWithSkippedTime, untilStatus, userMessage } from './support/session-kit.ts';
import type { TestSession } from './support/session-kit.ts';

const kit = await kitWithSkippedTime();

/** A session whose first turn is open until `held.open()`. */
async function busySession() {
  const message = userMessage();
  const held = gate();
  const session = await kit.session({ message, script: [held.step], otherwise: completed() });
  await eventually(() => session.world.steps.length === 1, 'the first step');
  return { session, held, first: message.messageId };
}

const queueOf = (session: TestSession) =>
  session.handle.query<{ messageId: string; policy: string }[]>('queue');
const edit = (session: TestSession, request: unknown) =>
  session.handle.executeUpdate<unknown, [unknown]>('editQueue', { args: [request] });

test('enqueue: messages wait, recorded with their content, and open one turn each in order', async () => {
  const { session, held, first } = await busySession();
  const { world } = session;
  const second = await session.send('enqueue', 'two');
  const third = await session.send('enqueue', 'three');
  await eventually(() => world.facts.length === 2, 'both recorded');
  expect(world.factsOf('message.queued')).toEqual([
    { messageId: second, policy: 'enqueue', content: [{ type: 'text', text: 'two' }] },
    { messageId: third, policy: 'enqueue', content: [{ type: 'text', text: 'three' }] },
  ]);
  expect(await queueOf(session)).toEqual([
    { messageId: second, policy: 'enqueue' },
    { messageId: third, policy: 'enqueue' },
  ]);
  held.open();
  await untilStatus(session, { turns: 3, state: 'waiting' });
  expect(world.accepted).toEqual([[first], [second], [third]]);
  expect(world.steps[1]?.messages).toEqual([{ messageId: second, policy: 'enqueue' }]);
  await session.stop();
});

test('steer: a message joins the open turn at its next step', async () => {
  const call = toolCall();
  const { session, held, first } = await busySession();
  const joining = await session.send('steer', 'also this');
  await eventually(() => session.world.facts.length === 1, 'recorded');
  held.open({ outcome: 'tool_calls', calls: [call], spend: spent(1) });
  await untilStatus(session, { state: 'waiting_for_tools' });
  await session.handle.signal('toolResult', { callId: call.callId });
  await untilStatus(session, { turns: 1, state: 'waiting' });
  expect(session.world.accepted).toEqual([[first], [joining]]);
  expect(session.world.steps[1]).toMatchObject({ turn: first, step: 2 });
  await session.stop();
});

test('steer: without a next step it opens the next turn, ahead of queued messages', async () => {
  const { session, held, first } = await busySession();
  const queued = await session.send('enqueue');
  const steering = await session.send('steer');
  await eventually(() => session.world.facts.length === 2, 'recorded');
  held.open();
  await untilStatus(session, { turns: 3, state: 'waiting' });
  expect(session.world.accepted).toEqual([[first], [steering], [queued]]);
  await session.stop();
});

test('interrupt: the open step is sealed and the message opens the next turn ahead of the queue', async () => {
  const { session, first } = await busySession();
  const queued = await session.send('enqueue');
  await eventually(() => session.world.facts.length === 1, 'recorded');
  const urgent = await session.send('interrupt', 'stop that');
  await untilStatus(session, { turns: 3, state: 'waiting' });
  expect(session.world.seals).toMatchObject([{ turn: first, step: 1, cause: 'interrupt' }]);
  expect(session.world.accepted).toEqual([[first], [urgent], [queued]]);
  expect(session.world.steps[1]?.messages[0]?.content).toEqual([
    { type: 'text', text: 'stop that' },
  ]);
  await session.stop();
});

test('interrupt: of several at once every message opens a turn, and only the last one stays open', async () => {
  const { session, first } = await busySession();
  const { world } = session;
  const held = gate();
  world.otherwise = held.step;
  const messages = [userMessage('interrupt'), userMessage('interrupt')];
  await Promise.all(messages.map((message) => session.handle.signal('userMessage', message)));
  await untilStatus(session, { turns: 3, state: 'running' });
  held.open();
  await untilStatus(session, { turns: 3, state: 'waiting' });
  expect(world.seals.map(({ turn }) => turn)).toContain(first);
  const opened = [...world.seals.map(({ turn }) => turn), ...world.steps.map(({ turn }) => turn)];
  for (const { messageId } of messages) expect(opened).toContain(messageId);
  await session.stop();
});

test('reject: a message that lost the race is settled as session_busy', async () => {
  const { session, held, first } = await busySession();
  const refused = await session.send('reject');
  await eventually(() => session.world.facts.length === 1, 'recorded');
  expect(session.world.factsOf('message.rejected')).toMatchObject([
    { messageId: refused, error: { code: 'session_busy', retryable: true } },
  ]);
  held.open();
  await untilStatus(session, { turns: 1, state: 'waiting' });
  const accepted = await session.send('reject');
  await untilStatus(session, { turns: 2, state: 'waiting' });
  expect(session.world.accepted).toEqual([[first], [accepted]]);
  await session.stop();
});

test('more than 100 waiting messages are settled as queue_full, in few batches', async () => {
  const { session, held } = await busySession();
  const { world } = session;
  await Promise.all(Array.from({ length: 103 }, () => session.send('enqueue')));
  await eventually(() => world.facts.length === 103, 'all recorded');
  expect(world.factsOf('message.queued')).toHaveLength(100);
  expect(world.factsOf('message.rejected')).toHaveLength(3);
  expect(world.factsOf('message.rejected')).toMatchObject(
    Array.from({ length: 3 }, () => ({ error: { code: 'queue_full' } })),
  );
  expect(world.batches.length).toBeLessThan(103);
  held.open();
  await session.stop();
});

test('the queue can be edited, reordered and shortened, and every change is a fact', async () => {
  const { session, held, first } = await busySession();
  const [a, b, c] = [await session.send(), await session.send(), await session.send()];
  await eventually(() => session.world.facts.length === 3, 'recorded');
  await edit(session, {
    action: 'edit',
    messageId: a,
    content: [{ type: 'text', text: 'better' }],
  });
  await edit(session, { action: 'move', messageId: c, position: 0 });
  const left = await edit(session, { action: 'remove', messageId: b });
  expect(left).toEqual([
    { messageId: c, policy: 'enqueue' },
    { messageId: a, policy: 'enqueue' },
  ]);
  await eventually(() => session.world.facts.length === 6, 'edits recorded');
  expect(session.world.factsOf('message.edited')).toEqual([
    { messageId: a, content: [{ type: 'text', text: 'better' }] },
    { messageId: c, position: 0 },
  ]);
  expect(session.world.factsOf('message.removed')).toEqual([{ messageId: b }]);
  held.open();
  await untilStatus(session, { turns: 3, state: 'waiting' });
  expect(session.world.accepted).toEqual([[first], [c], [a]]);
  await session.stop();
});

test('a queued message can be promoted to steer', async () => {
  const call = toolCall();
  const { session, held, first } = await busySession();
  const promoted = await session.send('enqueue');
  await edit(session, { action: 'steer', messageId: promoted });
  await eventually(() => session.world.facts.length === 2, 'recorded');
  held.open({ outcome: 'tool_calls', calls: [call], spend: spent(1) });
  await untilStatus(session, { state: 'waiting_for_tools' });
  await session.handle.signal('toolResult', { callId: call.callId });
  await untilStatus(session, { turns: 1, state: 'waiting' });
  expect(session.world.accepted).toEqual([[first], [promoted]]);
  expect(session.world.steps[1]).toMatchObject({ turn: first, step: 2 });
  await session.stop();
});

test('an edit of a message that is not in the queue is refused and enters no history', async () => {
  const { session, held } = await busySession();
  const refused = edit(session, { action: 'remove', messageId: newId('msg') });
  await expect(refused).rejects.toSatisfy(
    (error) =>
      error instanceof WorkflowUpdateFailedError &&
      (error.cause as { type?: string }).type === 'not_found',
  );
  const { events } = await session.handle.fetchHistory();
  expect(events?.some((event) => event.workflowExecutionUpdateAcceptedEventAttributes)).toBe(false);
  held.open();
  await session.stop();
});
