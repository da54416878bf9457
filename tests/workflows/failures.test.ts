import { ApplicationFailure } from '@temporalio/common';
import { expect, test } from 'vitest';
import type { ModelStepResult } from '../../contracts/activities.ts';
import { callsTools, completed, spent, toolCall } from './support/scripted-world.ts';
import type { Step } from './support/scripted-world.ts';
import {
  eventually,
  kitWithSkippedTime,
  untilStatus,
  untilTurns,
  userMessage,
} from './support/session-kit.ts';

const kit = await kitWithSkippedTime();

const fails =
  (failure: ApplicationFailure): Step =>
  (): ModelStepResult => {
    throw failure;
  };

test('a model call that fails is tried again after the wait that the failure names', async () => {
  const busy =
    (nextRetryDelay: string): Step =>
    () => {
      throw ApplicationFailure.create({
        message: 'overloaded',
        nextRetryDelay: nextRetryDelay as '1s',
      });
    };
  const session = await kit.session({
    message: userMessage(),
    script: [busy('90s'), busy('45s'), completed()],
  });
  await eventually(async () => {
    await kit.pass(10_000);
    return session.world.steps.length === 3;
  }, 'the third attempt');
  await untilTurns(session, 3);
  const { events = [] } = await session.handle.fetchHistory();
  const seconds = (event: { eventTime?: { seconds?: unknown } | null } | undefined) =>
    Number(event?.eventTime?.seconds);
  const scheduled = events?.find((event) => event.activityTaskScheduledEventAttributes);
  const started = events?.find((event) => event.activityTaskStartedEventAttributes);
  expect(started?.activityTaskStartedEventAttributes?.attempt).toBe(3);
  expect(seconds(started) - seconds(scheduled)).toBeGreaterThanOrEqual(135 - 2);
  await session.stop();
});

test('a model call that fails for good settles the turn as failed, and the session goes on', async () => {
  const session = await kit.session({
    message: userMessage(),
    script: [
      fails(ApplicationFailure.nonRetryable('a newer attempt owns the step', 'AttemptSuperseded')),
      fails(ApplicationFailure.nonRetryable('too long', 'context_too_long')),
      completed(),
    ],
  });
  await untilStatus(session, { turns: 1, state: 'waiting' });
  await session.send();
  await untilStatus(session, { turns: 2, state: 'waiting' });
  await session.send();
  await untilStatus(session, { turns: 3, state: 'waiting' });
  expect(session.world.seals).toMatchObject([
    { cause: 'failure', error: { code: 'internal', message: 'a newer attempt owns the step' } },
    { cause: 'failure', error: { code: 'context_too_long', message: 'too long' } },
  ]);
  await session.stop();
});

test('facts are written when the journal is back, in order and once', async () => {
  const session = await kit.session();
  let refusals = 3;
  session.world.recording = () => {
    if (refusals-- > 0) throw new Error('journal_unavailable');
  };
  await eventually(() => session.world.facts.length === 1, 'the fact');
  expect(session.world.batches).toEqual([1]);
  await session.stop();
});

test('one fact that the journal refuses for good takes no other with it', async () => {
  const held = Promise.withResolvers<ModelStepResult>();
  const session = await kit.session({
    message: userMessage(),
    script: [() => held.promise],
    otherwise: completed(),
  });
  await eventually(() => session.world.steps.length === 1, 'the first step');
  const bad = userMessage();
  session.world.recording = (facts) => {
    if (facts.some(({ key }) => key.includes(bad.messageId)))
      throw ApplicationFailure.nonRetryable('bad fact');
  };
  const good = [userMessage(), userMessage()];
  await Promise.all(
    [good[0], bad, good[1]].map((message) => session.handle.signal('userMessage', message)),
  );
  await eventually(() => session.world.facts.length === 2, 'the others');
  held.resolve({ outcome: 'completed', spend: spent(1) });
  await untilStatus(session, { state: 'waiting' });
  await session.stop();
});

test('a turn ends at its number of steps, and the session goes on', async () => {
  const look: Step = (input) => callsTools([toolCall({ settled: true })], spent(5))(input);
  const session = await kit.session({
    message: userMessage(),
    limits: { stepsPerTurn: 2 },
    script: [look, look, completed()],
  });
  await untilStatus(session, { turns: 1, state: 'waiting' });
  await eventually(() => session.world.facts.length === 1, 'the fact');
  expect(session.world.facts[0]).toMatchObject({
    turn: session.world.steps[0]?.turn,
    event: {
      type: 'turn.settled',
      data: {
        outcome: 'limit_exceeded',
        usage: { outputTokens: 10 },
        error: { code: 'limit_exceeded' },
      },
    },
  });
  await session.send();
  await untilStatus(session, { turns: 2, state: 'waiting' });
  expect(session.world.steps).toHaveLength(3);
  await session.stop();
});

test('a turn ends when its tokens or its money are spent; what is left travels with every step', async () => {
  const look = (tokens: number, usd: number): Step =>
    callsTools([toolCall({ settled: true })], spent(tokens, usd));
  const session = await kit.session({
    message: userMessage(),
    limits: { tokensPerTurn: 100, usdPerSession: 1 },
    script: [look(60, 0.3), look(60, 0.3), look(10, 0.5)],
  });
  await untilStatus(session, { turns: 1, state: 'waiting' });
  await session.send();
  await untilStatus(session, { turns: 2, state: 'waiting' });
  await eventually(() => session.world.facts.length === 2, 'two facts');
  expect(session.world.steps.map(({ allowance }) => allowance)).toEqual([
    // The session's own limits go along: the journal's sum is held against them.
    { tokens: 100, usd: 1, session: { tokens: null, usd: 1 } },
    { tokens: 40, usd: 0.7, session: { tokens: null, usd: 1 } },
    { tokens: 100, usd: 0.4, session: { tokens: null, usd: 1 } },
  ]);
  expect(session.world.factsOf('turn.settled')).toMatchObject([
    { outcome: 'limit_exceeded', error: { message: expect.stringContaining('tokens') } },
    { outcome: 'budget_exhausted', error: { message: expect.stringContaining('money') } },
  ]);
  await session.stop();
});

test('a reconfiguration changes model and limits for the next steps, and nonsense is refused', async () => {
  const session = await kit.session();
  session.world.otherwise = completed();
  const reconfigure = (change: unknown) =>
    session.handle.executeUpdate<void, [unknown]>('reconfigure', { args: [change] });
  await reconfigure({ model: 'larger', limits: { tokensPerTurn: 5, usdPerTurn: null } });
  await reconfigure({ model: 'larger' });
  await expect(reconfigure({ limits: { stepsPerTurn: -1 } })).rejects.toThrow();
  await expect(reconfigure({ limits: { stepsPerTurn: null } })).rejects.toThrow();
  await expect(reconfigure({ limits: { nonsense: 1 } })).rejects.toThrow();
  await expect(reconfigure({ model: '' })).rejects.toThrow();
  await session.send();
  await untilStatus(session, { turns: 1, state: 'waiting', model: 'larger' });
  expect(session.world.steps).toMatchObject([
    { model: 'larger', allowance: { tokens: 5, usd: null } },
  ]);
  expect(session.world.factsOf('model.switched')).toEqual([
    { from: 'demo', to: 'larger', reason: 'requested' },
  ]);
  await session.stop();
});
