/** Sessions whose program goes away with its worker, in good order, and what the next one goes on with (D4). */
import { ApplicationFailure } from '@temporalio/common';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { CLI_QUEUE_PREFIX, PROGRAM_LEFT } from '../../contracts/names.ts';
import { answers, programSession, programStates } from './support/program-session.ts';
import type { ProgramOptions, ProgramSession } from './support/program-session.ts';
import { ScriptedWorld, spent } from './support/scripted-world.ts';
import type { Command } from './support/scripted-world.ts';
import { eventually, SessionKit, untilStatus, userMessage } from './support/session-kit.ts';

let kit: SessionKit;
beforeAll(async () => {
  kit = await SessionKit.start();
});
afterAll(() => kit[Symbol.asyncDispose]());

const start = (options: ProgramOptions = {}): Promise<ProgramSession> =>
  programSession(kit, options);

test('a program that its worker has ended is said so, and the next message starts another one at once', async () => {
  const { session, world } = await start({ commands: [answers(), answers('c-2')] });
  await session.send();
  await untilStatus(session, { turns: 1, state: 'waiting' });
  const programId = world.commands[0]?.programId ?? '';
  await session.handle.signal(PROGRAM_LEFT, { programId: 'another', conversation: 'x' });
  await session.handle.signal(PROGRAM_LEFT, { programId, conversation: 'c-1' });
  await eventually(() => programStates(world).length === 2, 'the end');
  // It is no queue that anybody takes from: a command there would be lost after 10 s.
  await session.handle.signal(PROGRAM_LEFT, { programId });
  await session.send();
  await untilStatus(session, { turns: 2, state: 'waiting' });
  await session.stop();
  expect(world.seals).toEqual([]);
  expect(new Set(world.commands.map((command) => command.programId)).size).toBe(2);
  expect(world.terminated).toEqual([world.commands[1]?.programId]);
  expect(programStates(world)).toEqual([
    { provider: 'claude', state: 'ready' },
    { provider: 'claude', state: 'terminated', reason: 'drained', conversation: 'c-1' },
    { provider: 'claude', state: 'ready' },
    { provider: 'claude', state: 'terminated', reason: 'ended', conversation: 'c-2' },
  ]);
});

test('a program whose worker went away while it was started is started again', async () => {
  const started = Promise.withResolvers<void>();
  const world = new ScriptedWorld();
  world.starting = async ({ provider }) => {
    await started.promise;
    world.starting = undefined;
    return { provider, programId: 'gone-already', queue: `${CLI_QUEUE_PREFIX}of-nobody` };
  };
  const { session } = await start({ world, commands: [answers()], message: userMessage() });
  await eventually(() => world.starts.length === 1, 'a start');
  await session.handle.signal(PROGRAM_LEFT, { programId: 'gone-already' });
  started.resolve();
  await untilStatus(session, { turns: 1, state: 'waiting' });
  expect(world.starts).toHaveLength(2);
  await session.stop();
  expect(programStates(world)).toMatchObject([{ state: 'ready' }, { reason: 'ended' }]);
});

test('a conversation whose new program answers with a failure only is not thereby proven', async () => {
  const refusing: Command = () => ({
    result: {
      outcome: 'failed',
      spend: spent(0),
      error: { code: 'model_rejected', message: 'No conversation found', retryable: false },
    },
    conversation: 'c-1',
  });
  const failing: Command = () => {
    throw ApplicationFailure.nonRetryable('ended (exit code 1)', 'runner_lost');
  };
  const world = new ScriptedWorld();
  world.starting = ({ provider }) => ({
    ...{ provider, programId: 'p-1', queue: kit.programQueue, resumed: true },
  });
  const { session } = await start({ world, commands: [refusing, failing] });
  await session.send();
  await untilStatus(session, { turns: 1, state: 'waiting' });
  await session.send();
  await eventually(() => world.seals.length === 1, 'a loss');
  expect(programStates(world).at(-1)).toEqual({
    ...{ provider: 'claude', state: 'terminated', reason: 'lost' },
  });
  await session.stop();
});
