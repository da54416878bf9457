import { expect, test } from 'vitest';
import { gate } from './support/gate.ts';
import { completed } from './support/scripted-world.ts';
import { eventually, kitWithSkippedTime, untilTurns, userMessage } from './support/session-kit.ts';

const kit = await kitWithSkippedTime();

test('a flood of messages crosses several runs, and each opens one turn, in order', async () => {
  const session = await kit.session({ limits: { historyEvents: 40 } });
  session.world.otherwise = completed();
  const { runId } = await session.handle.describe();
  const sent: string[] = [];
  for (let n = 0; n < 30; n++) {
    const message = userMessage();
    sent.push(message.messageId);
    await session.handle.signal('userMessage', message);
  }
  await untilTurns(session, 30);
  expect(session.world.accepted.flat()).toEqual(sent);
  expect((await session.handle.describe()).runId).not.toBe(runId);
  expect(session.world.factsOf('message.rejected')).toEqual([]);
  await session.stop();
});

test('a run hands on its queue, the ids it has seen, its spend and its model', async () => {
  const held = gate();
  const first = userMessage();
  const session = await kit.session({
    message: first,
    limits: { historyEvents: 30 },
    script: [held.step],
    otherwise: completed(),
  });
  await session.handle.executeUpdate('reconfigure', { args: [{ model: 'larger' }] });
  const queued: string[] = [];
  for (let n = 0; n < 10; n++) queued.push(await session.send());
  await eventually(() => session.world.facts.length === 11, 'recorded');
  held.open();
  await untilTurns(session, 11);
  await session.handle.signal('userMessage', first);
  expect(session.world.accepted).toEqual([first.messageId, ...queued].map((id) => [id]));
  expect(await session.status()).toMatchObject({
    model: 'larger',
    turns: 11,
    spend: { usage: { outputTokens: 110 } },
  });
  await session.stop();
});

test('the idle time goes on across runs', async () => {
  const session = await kit.session({ limits: { historyEvents: 30 } });
  session.world.otherwise = completed();
  for (let turns = 1; turns <= 6; turns++) {
    await session.send();
    await untilTurns(session, turns);
  }
  await session.handle.result();
  expect(session.world.factTypes).toEqual(['session.state', 'session.warning', 'session.ended']);
});
