import { expect, test } from 'vitest';
import { completed } from './support/scripted-world.ts';
import { eventually, kitWithSkippedTime, untilStatus, userMessage } from './support/session-kit.ts';

const kit = await kitWithSkippedTime();

test('a session without a message records that it waits, one with a message records nothing', async () => {
  const idle = await kit.session();
  await eventually(() => idle.world.facts.length > 0, 'a fact');
  expect(idle.world.factsOf('session.state')).toEqual([{ state: 'waiting' }]);
  await idle.stop();

  const busy = await kit.session({ message: userMessage(), otherwise: completed() });
  await untilStatus(busy, { turns: 1, state: 'waiting' });
  expect(busy.world.facts).toEqual([]);
  await busy.stop();
});

test('a message travels with its content, and without what is empty', async () => {
  const message = userMessage('enqueue', 'what is this?');
  const session = await kit.session({ message, otherwise: completed() });
  await untilStatus(session, { turns: 1, state: 'waiting' });
  expect(session.world.steps).toEqual([
    { sessionId: session.sessionId, turn: message.messageId, step: 1, messages: [message] },
  ]);
  await session.stop();
});

test('a message id that was seen before is dropped silently', async () => {
  const message = userMessage();
  const session = await kit.session({ message, otherwise: completed() });
  await untilStatus(session, { turns: 1, state: 'waiting' });
  await session.handle.signal('userMessage', message);
  await session.handle.signal('userMessage', { ...message, policy: 'interrupt' });
  const other = await session.send();
  await untilStatus(session, { turns: 2, state: 'waiting' });
  expect(session.world.accepted).toEqual([[message.messageId], [other]]);
  expect(session.world.facts).toEqual([]);
  await session.stop();
});

test('a signal that is no message does not disturb the session', async () => {
  const session = await kit.session();
  session.world.otherwise = completed();
  for (const nonsense of [undefined, null, 5, {}, { messageId: 7 }, { messageId: 'msg_1' }]) {
    await session.handle.signal('userMessage', nonsense);
    await session.handle.signal('toolResult', nonsense);
    await session.handle.signal('interruptTurn', nonsense);
  }
  await session.send();
  await untilStatus(session, { turns: 1, state: 'waiting' });
  await session.stop();
});

test('spend adds up over the turns of a session', async () => {
  const session = await kit.session();
  session.world.otherwise = completed();
  for (let turns = 1; turns <= 3; turns++) {
    await session.send();
    await untilStatus(session, { turns, state: 'waiting' });
  }
  const { spend } = await session.status();
  expect(spend.usage.outputTokens).toBe(30);
  expect(spend.costUsd).toBeCloseTo(0.03);
  await session.stop();
});
