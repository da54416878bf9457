// The workflow on the real journal; only the model is a script.
import { ApplicationFailure } from '@temporalio/common';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ModelStepInput } from '../../contracts/activities.ts';
import { newId } from '../../contracts/ids.ts';
import type { Journal, RequestedCall } from '../../journal/port.ts';
import { sqlite, type Database } from '../journal/support/dialects.ts';
import { gate } from './support/gate.ts';
import { delta, fenceHere, journaledSession, says } from './support/journaled-world.ts';
import type { Answer } from './support/journaled-world.ts';
import {
  eventually,
  SessionKit,
  untilQuiet,
  untilStatus,
  userMessage,
} from './support/session-kit.ts';

let database: Database;
let journal: Journal;
let kit: SessionKit;
beforeAll(async () => {
  database = await sqlite.database();
  journal = await database.open();
  kit = await SessionKit.start();
});
afterAll(async () => {
  await kit[Symbol.asyncDispose]();
  await journal.close();
  await database[Symbol.asyncDispose]();
});

const journaled = (answers: Answer[]) => journaledSession({ kit, journal }, answers);

const call = (over: Partial<RequestedCall> = {}): RequestedCall => ({
  callId: newId('call'),
  name: 'look',
  mode: 'worker',
  effect: 'read',
  timeoutMs: 60_000,
  arguments: '{}',
  ...over,
});

test('a step that fails for good is settled as failed, with its code, and what it streamed is kept', async () => {
  const { session, events } = await journaled([
    async (attempt) => {
      await journal.steps.append(attempt, [delta('half an ans')]);
      throw ApplicationFailure.nonRetryable('the key was refused', 'model_rejected');
    },
  ]);
  await untilStatus(session, { turns: 1, state: 'waiting' });
  const types = (await events()).map(({ type }) => type);
  expect(types.slice(-3)).toEqual(['content.completed', 'model.settled', 'turn.settled']);
  expect((await events()).at(-1)?.data).toMatchObject({
    outcome: 'failed',
    error: { code: 'model_rejected', message: 'the key was refused' },
  });
  await session.send();
  await untilStatus(session, { turns: 2, state: 'waiting' });
  expect((await events()).at(-1)?.data).toMatchObject({ outcome: 'completed' });
  await session.stop();
});

test('an interrupt keeps the partial text, and a queued message is accepted with the content it was recorded with', async () => {
  const held = gate();
  const { session, events, world } = await journaled([
    async (attempt) => {
      await journal.steps.append(attempt, [delta('half an ans')]);
      return held.step({} as ModelStepInput);
    },
  ]);
  await eventually(
    async () => (await events()).some(({ type }) => type === 'content.delta'),
    'a delta',
  );
  const queued = await session.send('enqueue', 'and then?');
  await eventually(() => world.facts.length === 1, 'message.queued');
  await session.handle.signal('interruptTurn', {});
  await untilStatus(session, { turns: 2, state: 'waiting' });
  const log = await events();
  expect(log.find(({ type }) => type === 'turn.settled')?.data).toMatchObject({
    outcome: 'interrupted',
  });
  const accepted = log.filter(({ type }) => type === 'message.accepted').at(-1);
  expect(accepted?.data).toMatchObject({
    messageId: queued,
    content: [{ type: 'text', text: 'and then?' }],
  });
  await session.stop();
  held.open();
  expect((await journal.sessions.get(session.sessionId))?.state).toBe('ended');
});

test('another content under the id of an earlier run is refused in the log, a repeat is not', async () => {
  const { session, events, world } = await journaled([]);
  await session.handle.executeUpdate('reconfigure', { args: [{ limits: { historyEvents: 30 } }] });
  const first = userMessage();
  await session.handle.signal('userMessage', first);
  const { runId } = await session.handle.describe();
  const settled = async () => (await events()).filter(({ type }) => type === 'turn.settled');
  for (let turns = 2; ; turns++) {
    await eventually(async () => (await settled()).length === turns, `turn ${turns}`);
    // What is said to a run that is about to continue as new is for the real server: this one gives such a task again without its beginning.
    await untilQuiet(session, () => true);
    if ((await session.handle.describe()).runId !== runId) break;
    await session.send();
  }
  const steps = world.steps.length;
  const another = { ...first, content: [{ type: 'text', text: 'something else' }] };
  for (const message of [first, another, first, another])
    await session.handle.signal('userMessage', message);
  await session.stop();
  const rejected = (await events()).filter(({ type }) => type === 'message.rejected');
  const { messageId } = first;
  expect(rejected.map(({ data }) => data)).toMatchObject([
    { messageId, error: { code: 'idempotency_conflict' } },
  ]);
  expect(world.steps).toHaveLength(steps);
});

test('tools that no worker could run get one result each, unknown where one may have had an effect', async () => {
  const [harmless, risky] = [call(), call({ effect: 'never-retry' })];
  const { session, events, world } = await journaled([says('let me see', [harmless, risky])]);
  world.executing = async (input) => {
    if (input.callId === risky.callId) await journal.ledger.begin(input, fenceHere());
    throw ApplicationFailure.nonRetryable('the disk is gone');
  };
  await untilStatus(session, { turns: 1, state: 'waiting' });
  const settled = (await events())
    .filter(({ type }) => type === 'tool.settled')
    .map(({ data }) => data);
  expect(settled).toHaveLength(2);
  expect(settled).toEqual(
    expect.arrayContaining([
      expect.objectContaining({ callId: harmless.callId, outcome: 'failed' }),
      expect.objectContaining({ callId: risky.callId, outcome: 'unknown' }),
    ]),
  );
  await session.stop();
});
