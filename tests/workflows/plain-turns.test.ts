import { afterAll, beforeAll, expect, test } from 'vitest';
import { sharedTemporal, type SharedTemporal } from '../support/dev-server.ts';
import { completed } from './support/scripted-world.ts';
import { eventually, SessionKit, userMessage } from './support/session-kit.ts';

let temporal: SharedTemporal;
let kit: SessionKit;
beforeAll(async () => {
  temporal = await sharedTemporal();
  kit = await SessionKit.start(temporal.client, temporal.nativeConnection);
});
afterAll(async () => {
  await kit[Symbol.asyncDispose]();
  await temporal[Symbol.asyncDispose]();
});

test('a plain turn adds at most 10 events and 2.2 kB to the history', async () => {
  const { handle, world, send, sessionId } = await kit.session({});
  world.otherwise = completed();
  await eventually(() => world.factTypes.includes('session.state'), 'waiting');
  const size = async () => {
    const { historyLength, raw } = await handle.describe();
    return {
      events: historyLength,
      bytes: Number(raw.workflowExecutionInfo?.historySizeBytes ?? 0),
    };
  };
  await send('enqueue', 'x'.repeat(200));
  await eventually(
    async () => (await handle.query<{ turns: number; state: string }>('status')).turns === 1,
    'first turn',
  );
  for (let n = 0; n < 3; n++) {
    const before = await size();
    await send('enqueue', 'x'.repeat(200));
    await eventually(() => world.steps.length === n + 2, 'step');
    await eventually(
      async () => (await handle.query<{ state: string }>('status')).state === 'waiting',
      'waiting',
    );
    const after = await size();
    console.log(sessionId, after.events - before.events, after.bytes - before.bytes);
    expect(after.events - before.events).toBeLessThanOrEqual(10);
    expect(after.bytes - before.bytes).toBeLessThanOrEqual(2_200);
  }
  await handle.signal('stopSession');
  await handle.result();
  expect(world.factTypes).toEqual(['session.state', 'session.ended']);
});

test('messages sent while a turn is open wait in the queue and open turns in order', async () => {
  const first = userMessage();
  const { handle, world, send } = await kit.session({ message: first });
  let release = () => {};
  world.script = [
    () =>
      new Promise(
        (resolve) =>
          (release = () =>
            resolve({
              outcome: 'completed',
              spend: {
                usage: {
                  inputTokens: 1,
                  outputTokens: 1,
                  cachedInputTokens: 0,
                  reasoningTokens: 0,
                },
                costUsd: 0,
              },
            })),
      ),
  ];
  world.otherwise = completed();
  await eventually(() => world.steps.length === 1, 'first step');
  const second = await send();
  const third = await send();
  await eventually(
    () => world.factTypes.filter((type) => type === 'message.queued').length === 2,
    'queued',
  );
  release();
  await eventually(() => world.steps.length === 3, 'three turns');
  expect(world.accepted).toEqual([[first.messageId], [second], [third]]);
  expect(world.steps[1]?.messages[0]).not.toHaveProperty('content');
  await handle.signal('stopSession');
  await handle.result();
});
