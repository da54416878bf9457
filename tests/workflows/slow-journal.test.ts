/** A journal that takes longer than a workflow task: what is said to the session meanwhile finds local activities under way. Real server. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { SettleResult } from '../../contracts/activities.ts';
import { sharedTemporal, type SharedTemporal } from '../support/dev-server.ts';
import { callsTools, completed, toolCall } from './support/scripted-world.ts';
import {
  eventually,
  SessionKit,
  untilStatus,
  userMessage,
  type TestSession,
} from './support/session-kit.ts';

let temporal: SharedTemporal;
let kit: SessionKit;
beforeAll(async () => {
  temporal = await sharedTemporal();
  kit = await SessionKit.on(temporal.client, temporal.nativeConnection);
});
afterAll(async () => {
  await kit[Symbol.asyncDispose]();
  await temporal[Symbol.asyncDispose]();
});

const failedTasks = async ({ handle }: TestSession) =>
  (await handle.fetchHistory()).events?.flatMap(({ workflowTaskFailedEventAttributes: failed }) =>
    failed ? [failed.failure?.message] : [],
  );

test('an interrupt while the answer of a call is looked at ends the turn, and harms nothing', async () => {
  const looked = Promise.withResolvers<SettleResult>();
  const call = toolCall();
  const session = await kit.session({
    message: userMessage(),
    policies: { record: { attemptMs: 600_000 } },
    script: [callsTools([call])],
    otherwise: completed(),
  });
  session.world.settling = () => looked.promise;
  await eventually(() => session.world.steps.length === 1, 'the step');
  await session.handle.signal('toolResult', { callId: call.callId });
  await eventually(() => session.world.settles.length === 1, 'the look');
  await session.handle.signal('interruptTurn', {});
  await eventually(() => session.world.seals.length === 1, 'the seal');
  looked.resolve({ state: 'settled', outcome: 'completed' });
  await session.send();
  await untilStatus(session, { turns: 2, state: 'waiting' });
  expect(await failedTasks(session)).toEqual([]);
  await session.stop();
  expect(await failedTasks(session)).toEqual([]);
});
