import { ApplicationFailure } from '@temporalio/common';
import { expect, test } from 'vitest';
import { newId } from '../../contracts/ids.ts';
import { gate } from './support/gate.ts';
import { callsTools, completed, spent, toolCall } from './support/scripted-world.ts';
import { eventually, kitWithSkippedTime, untilStatus, userMessage } from './support/session-kit.ts';

// Steps are left behind here, and time stands still on the time-skipping server while an activity of a closed workflow runs:
// tests that let time pass live elsewhere.
const kit = await kitWithSkippedTime();

async function streaming() {
  const message = userMessage();
  const held = gate();
  const session = await kit.session({ message, script: [held.step], otherwise: completed() });
  await eventually(() => session.world.steps.length === 1, 'the first step');
  return { session, held, message };
}

test('an interrupt seals the streaming step and does not wait for its activity', async () => {
  const { session, message } = await streaming();
  session.world.sealing = () => ({ outcome: 'interrupted', spend: spent(3) });
  await session.handle.signal('interruptTurn', {});
  await untilStatus(session, { state: 'waiting', turns: 1 });
  expect(session.world.seals).toEqual([
    {
      sessionId: session.sessionId,
      turn: message.messageId,
      step: 1,
      cause: 'interrupt',
      messages: [message],
      turnSpend: spent(0),
    },
  ]);
  expect((await session.status()).spend).toEqual(spent(3));
  await session.send();
  await untilStatus(session, { state: 'waiting', turns: 2 });
  await session.stop();
});

test('an interrupt names its turn, and one for another turn or an idle session changes nothing', async () => {
  const { session, held, message } = await streaming();
  await session.handle.signal('interruptTurn', { turn: newId('msg') });
  held.open();
  await untilStatus(session, { state: 'waiting', turns: 1 });
  await session.handle.signal('interruptTurn', {});
  await session.handle.signal('interruptTurn', { turn: message.messageId });
  await session.send();
  await untilStatus(session, { state: 'waiting', turns: 2 });
  expect(session.world.seals).toEqual([]);
  await session.stop();
});

test('an interrupt while tools are open seals the turn, and spends nothing twice', async () => {
  const session = await kit.session({
    message: userMessage(),
    script: [callsTools([toolCall(), toolCall()], spent(7))],
  });
  session.world.sealing = () => ({ outcome: 'interrupted', spend: spent(7) });
  await untilStatus(session, { state: 'waiting_for_tools' });
  await session.handle.signal('interruptTurn', {});
  await untilStatus(session, { state: 'waiting' });
  const { spend, pendingCalls } = await session.status();
  expect(spend).toEqual(spent(7));
  expect(pendingCalls).toEqual([]);
  await session.stop();
});

test('an interrupt that the seal finds too late leaves the turn completed and counted', async () => {
  const { session } = await streaming();
  session.world.sealing = () => ({ outcome: 'completed', spend: spent(10) });
  await session.handle.signal('interruptTurn', {});
  await untilStatus(session, { state: 'waiting' });
  expect((await session.status()).spend).toEqual(spent(10));
  expect(session.world.facts).toEqual([]);
  await session.stop();
});

test('a message and its interrupt at once: the turn is sealed before the model is called', async () => {
  const session = await kit.session();
  await untilStatus(session, { state: 'waiting' });
  const message = userMessage();
  const held = gate();
  session.world.otherwise = held.step;
  await Promise.all([
    session.handle.signal('userMessage', message),
    session.handle.signal('interruptTurn', { turn: message.messageId }),
  ]);
  await eventually(() => session.world.seals.length + session.world.steps.length > 0, 'something');
  await session.stop();
  for (const { turn } of session.world.seals) expect(turn).toBe(message.messageId);
});

test('a stop while idle ends the session', async () => {
  const session = await kit.session();
  await session.stop();
  expect(session.world.factTypes).toEqual(['session.state', 'session.ended']);
  expect(session.world.factsOf('session.ended')).toEqual([{ reason: 'stopped' }]);
});

test('a stop while streaming seals the step, then ends the session', async () => {
  const { session, message } = await streaming();
  await session.stop();
  expect(session.world.seals).toMatchObject([{ turn: message.messageId, cause: 'stop' }]);
  expect(session.world.factTypes).toEqual(['session.ended']);
});

test('a stop while tools are open seals the turn, then ends the session', async () => {
  const session = await kit.session({
    message: userMessage(),
    script: [callsTools([toolCall(), toolCall({ mode: 'worker', effect: 'read' })])],
  });
  session.world.executing = () => new Promise(() => {});
  await untilStatus(session, { state: 'waiting_for_tools' });
  await session.stop();
  expect(session.world.seals).toMatchObject([{ step: 1, cause: 'stop' }]);
  expect(session.world.factTypes).toEqual(['session.ended']);
});

test('a stop that arrives with the first message ends the session, and says so to the message', async () => {
  const session = await kit.session();
  const message = userMessage();
  await session.handle.signal('stopSession');
  await session.handle.signal('userMessage', message).catch(() => undefined);
  await session.handle.result();
  expect(session.world.factTypes.at(-1)).toMatch(/session.ended|message.rejected/);
  expect(session.world.steps).toEqual([]);
});

test("a cancellation from Temporal's UI stops the session in good order", async () => {
  const { session } = await streaming();
  await session.handle.cancel();
  await session.handle.result();
  expect(session.world.seals).toMatchObject([{ cause: 'stop' }]);
  expect(session.world.factsOf('session.ended')).toEqual([{ reason: 'stopped' }]);
});

test('a closed session still answers its status', async () => {
  const session = await kit.session();
  await session.stop();
  expect(await session.status()).toMatchObject({ state: 'ended', turn: null });
});

test('a seal that the journal refuses for good ends the turn all the same', async () => {
  const { session } = await streaming();
  session.world.sealing = () => {
    throw ApplicationFailure.nonRetryable('no such step');
  };
  await session.handle.signal('interruptTurn', {});
  await untilStatus(session, { state: 'waiting' });
  await session.stop();
});

test('what is still queued when a session ends is settled as session_closed', async () => {
  const held = gate();
  const session = await kit.session({ message: userMessage(), script: [held.step] });
  await eventually(() => session.world.steps.length === 1, 'the first step');
  const queued = await session.send();
  await session.stop();
  held.open();
  expect(session.world.factsOf('message.rejected')).toMatchObject([
    { messageId: queued, error: { code: 'session_closed' } },
  ]);
});
