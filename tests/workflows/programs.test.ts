/** Sessions whose agent is a program: starting → READY → busy → READY … → TERMINATED, and every way to lose it (D4). */
import { ApplicationFailure } from '@temporalio/common';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { CommandResult } from '../../contracts/activities.ts';
import { CLI_QUEUE_PREFIX } from '../../contracts/names.ts';
import { answers, programSession, programStates } from './support/program-session.ts';
import type { ProgramOptions, ProgramSession } from './support/program-session.ts';
import { ScriptedWorld, spent } from './support/scripted-world.ts';
import type { Command } from './support/scripted-world.ts';
import {
  eventually,
  SessionKit,
  untilQuiet,
  untilStatus,
  userMessage,
} from './support/session-kit.ts';

let kit: SessionKit;
beforeAll(async () => {
  kit = await SessionKit.start();
});
afterAll(() => kit[Symbol.asyncDispose]());

/** An activity that is left running holds the server's clock for ever. */
const LATE: CommandResult = { result: { outcome: 'completed', spend: spent(1) } };

const start = (options: ProgramOptions = {}): Promise<ProgramSession> =>
  programSession(kit, options);

test('a program is started with its session, asked turn by turn in its own worker, and ended with it', async () => {
  const { session, world } = await start({ commands: [answers('c-1'), answers('c-1')] });
  await eventually(() => programStates(world).length === 1, 'READY');
  expect(world.starts).toEqual([
    { sessionId: session.sessionId, provider: 'claude', idleMs: 300_000 },
  ]);
  const first = await session.send();
  await untilStatus(session, { turns: 1, state: 'waiting' });
  await session.send();
  await untilStatus(session, { turns: 2, state: 'waiting' });
  await session.stop();

  expect(world.starts).toHaveLength(1);
  expect(world.commands.map(({ programId }) => programId)).toEqual([
    ...[world.terminated[0], world.terminated[0]],
  ]);
  expect(world.commands[0]).toMatchObject({ turn: first, step: 1, timeoutMs: 300_000 });
  expect(world.steps).toEqual([]);
  expect(programStates(world)).toEqual([
    { provider: 'claude', state: 'ready' },
    { provider: 'claude', state: 'terminated', reason: 'ended', conversation: 'c-1' },
  ]);
});

test('the spend of its answers counts, and its history has no call of a model', async () => {
  const { session } = await start({ message: userMessage(), commands: [answers()] });
  await untilStatus(session, { turns: 1, state: 'waiting' });
  expect((await session.status()).spend).toEqual(spent(10, 0.01));
  await session.stop();
  const { events } = await session.handle.fetchHistory();
  const activities = (events ?? []).flatMap(
    (event) => event.activityTaskScheduledEventAttributes?.activityType?.name ?? [],
  );
  expect(activities).toEqual(['startProgram', 'executeCommand', 'terminateProgram']);
});

test('idle ends the program with the session, after a warning', async () => {
  const { session, world } = await start({ commands: [answers()], message: userMessage() });
  await untilQuiet(session, ({ commands }) => commands.length === 1);
  await session.handle.result();
  expect(world.factsOf('session.warning')).toMatchObject([{ reason: 'idle' }]);
  expect(world.factsOf('session.ended')).toEqual([{ reason: 'idle' }]);
  expect(world.terminated).toHaveLength(1);
});

test('lifetime ends it too', async () => {
  const { session, world } = await start({
    limits: { idleMs: 86_400_000, lifetimeMs: 60_000 },
    commands: [answers()],
    message: userMessage(),
  });
  await untilQuiet(session, ({ commands }) => commands.length === 1);
  await session.handle.result();
  expect(world.factsOf('session.ended')).toEqual([{ reason: 'lifetime' }]);
  expect(world.terminated).toHaveLength(1);
});

// The server's clock stands still from here on: it waits for activities that workflows have left behind.
test('a worker that does not take a command within 10 s is lost: the turn says so, the next message starts anew', async () => {
  const { session, world } = await start();
  world.starting = () => ({
    ...{ provider: 'claude', programId: 'p-lost', queue: `${CLI_QUEUE_PREFIX}of-a-dead-worker` },
  });
  await session.send();
  await eventually(() => world.seals.length === 1, 'a seal');
  expect(world.seals[0]).toMatchObject({
    cause: 'failure',
    error: { code: 'runner_lost', retryable: true },
  });
  const { events } = await session.handle.fetchHistory();
  const asked = (events ?? []).flatMap((event) => event.activityTaskScheduledEventAttributes ?? []);
  expect(
    asked
      .filter(({ activityType }) => activityType?.name !== 'startProgram')
      .map(({ activityType, scheduleToStartTimeout, retryPolicy }) => [
        ...[activityType?.name, Number(scheduleToStartTimeout?.seconds)],
        retryPolicy?.maximumAttempts,
      ]),
  ).toContainEqual(['executeCommand', 10, 1]);
  world.starting = undefined;
  world.commandScript = [answers()];
  await session.send();
  await untilStatus(session, { turns: 2, state: 'waiting' });
  expect(world.commands).toHaveLength(1);
  expect(world.starts).toHaveLength(2);
  expect(programStates(world)).toMatchObject([
    { state: 'ready' },
    { state: 'terminated', reason: 'lost' },
    { state: 'ready' },
  ]);
  await session.stop();
});

test('a command that fails is never sent again, whatever the policies say', async () => {
  const failing: Command = () => {
    throw new Error('the worker is in trouble');
  };
  const { session, world } = await start({
    commands: [failing],
    policies: { command: { attempts: 5, heartbeatMs: 86_400_000 } },
    message: userMessage(),
  });
  await eventually(() => world.seals.length === 1, 'a seal');
  expect(world.seals[0]?.error).toMatchObject({ code: 'runner_lost' });
  await eventually(() => world.terminated.length === 1, 'the end of the program');
  expect(world.commands).toHaveLength(1);
  expect(world.terminated).toEqual([world.commands[0]?.programId]);
  await session.stop();
});

test("the program's own kinds of failure reach the turn with their words", async () => {
  const failing: Command = () => {
    throw ApplicationFailure.nonRetryable('The program took longer than 300 s.', 'tool_timeout');
  };
  const { session, world } = await start({ commands: [failing], message: userMessage() });
  await eventually(() => world.seals.length === 1, 'a seal');
  expect(world.seals[0]?.error).toEqual({
    code: 'tool_timeout',
    message: 'The program took longer than 300 s.',
    retryable: true,
  });
  await session.stop();
});

test('a program that cannot be started fails the turn that needs it, and the next turn tries again', async () => {
  const world = new ScriptedWorld();
  world.starting = () => {
    throw ApplicationFailure.nonRetryable('The program "claude" is not here.', 'model_rejected');
  };
  const { session } = await start({ world });
  await untilQuiet(session, ({ starts }) => starts.length === 1);
  await session.send();
  await eventually(() => world.seals.length === 1, 'a seal');
  expect(world.seals[0]?.error).toMatchObject({ code: 'model_rejected' });
  expect(programStates(world)).toEqual([]);
  world.starting = undefined;
  world.commandScript = [answers()];
  await session.send();
  await untilStatus(session, { turns: 2, state: 'waiting' });
  await session.stop();
  expect(world.terminated).toHaveLength(1);
});

test('a program outlives a run that continues as new, with its conversation', async () => {
  const { session, world } = await start({
    limits: { historyEvents: 40 },
    commands: Array.from({ length: 20 }, () => answers('c-9')),
  });
  const { runId } = await session.handle.describe();
  for (let sent = 0; sent < 20; sent += 1) await session.send();
  await untilQuiet(session, ({ commands }) => commands.length === 20);
  expect((await session.handle.describe()).runId).not.toBe(runId);
  await session.stop();
  expect(world.starts).toHaveLength(1);
  expect(new Set(world.commands.map(({ programId }) => programId)).size).toBe(1);
  expect(programStates(world).at(-1)).toMatchObject({ reason: 'ended', conversation: 'c-9' });
});

test('a conversation that a new program fails to go on with is given up', async () => {
  const failing: Command = () => {
    throw ApplicationFailure.nonRetryable('ended (exit code 1)', 'runner_lost');
  };
  const { session, world } = await start({
    commands: [answers('c-1'), failing, failing],
    message: userMessage(),
  });
  await untilStatus(session, { turns: 1, state: 'waiting' });
  world.starting = () => ({
    ...{ provider: 'claude', programId: 'p-2', queue: kit.programQueue, resumed: true },
  });
  await session.send();
  await eventually(() => world.seals.length === 1, 'the first loss');
  await session.send();
  await eventually(() => world.seals.length === 2, 'the second loss');
  expect(programStates(world).filter((state) => 'reason' in (state as object))).toEqual([
    { provider: 'claude', state: 'terminated', reason: 'lost', conversation: 'c-1' },
    { provider: 'claude', state: 'terminated', reason: 'lost' },
  ]);
  await session.stop();
});

test('a reopened session starts a program of its own', async () => {
  const { session, world } = await start({ commands: [answers()], origin: 'reopen' });
  await eventually(() => programStates(world).length === 1, 'READY');
  await session.send();
  await untilStatus(session, { turns: 1, state: 'waiting' });
  await session.stop();
  expect(world.terminated).toHaveLength(1);
});

test('a program is not started before its credential is good, and the turn says why', async () => {
  const world = new ScriptedWorld();
  world.authenticating = () => {
    throw ApplicationFailure.nonRetryable('nobody is signed in', 'auth_failed', [
      { number: 1, kind: 'invalid_credentials', reason: 'nobody is signed in' },
    ]);
  };
  const engine = { cli: 'claude', timeoutMs: 300_000, credential: 'login' };
  const { session } = await start({ world, engine, message: userMessage() });
  await eventually(() => world.seals.length === 1, 'a seal');
  expect(world.seals[0]?.error).toMatchObject({ code: 'auth_failed' });
  expect(world.starts).toEqual([]);
  world.authenticating = undefined;
  world.commandScript = [answers()];
  await session.send();
  await untilStatus(session, { turns: 2, state: 'waiting' });
  // Ahead of the first message too, where that came later.
  const outcomes = world.factsOf('auth.settled').map(({ outcome }) => outcome as string);
  expect(new Set(outcomes.slice(0, -1))).toEqual(new Set(['failed']));
  expect(outcomes.at(-1)).toBe('succeeded');
  await session.stop();
});

test('an interrupt seals the step and leaves the program for the next message', async () => {
  const held = Promise.withResolvers<CommandResult>();
  const { session, world } = await start({
    commands: [() => held.promise, answers()],
    message: userMessage(),
  });
  await eventually(() => world.commands.length === 1, 'a command');
  await session.handle.signal('interruptTurn', {});
  await eventually(() => world.seals.length === 1, 'a seal');
  expect(world.seals[0]).toMatchObject({ cause: 'interrupt' });
  await session.send();
  await untilStatus(session, { turns: 2, state: 'waiting' });
  expect(world.starts).toHaveLength(1);
  expect(world.terminated).toEqual([]);
  held.resolve(LATE);
  await session.stop();
  expect(world.terminated).toHaveLength(1);
});

test('a stop in mid-answer ends the program', async () => {
  const held = Promise.withResolvers<CommandResult>();
  const { session, world } = await start({
    commands: [() => held.promise],
    message: userMessage(),
  });
  await eventually(() => world.commands.length === 1, 'a command');
  await session.stop();
  held.resolve(LATE);
  expect(world.seals).toMatchObject([{ cause: 'stop' }]);
  expect(world.terminated).toEqual([world.commands[0]?.programId]);
});

test('a session ends also where nobody can end its program any more', async () => {
  class WorldWithoutIt extends ScriptedWorld {
    override terminateProgram(programId: string): Promise<void> {
      this.terminated.push(programId);
      throw ApplicationFailure.nonRetryable('there is no such program');
    }
  }
  const { session, world } = await start({ world: new WorldWithoutIt() });
  await eventually(() => programStates(world).length === 1, 'READY');
  await session.stop();
  expect(world.terminated).toHaveLength(1);
  expect(programStates(world)).toMatchObject([
    { state: 'ready' },
    { state: 'terminated', reason: 'ended' },
  ]);
  expect(world.factsOf('session.ended')).toMatchObject([{ reason: 'stopped' }]);
});
