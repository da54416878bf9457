/** A journal that takes longer than a workflow task: what is said to the session meanwhile finds local activities under way. Real server. */
import { expect, test } from 'vitest';
import type { SettleResult } from '../../contracts/activities.ts';
import { callsTools, completed, toolCall } from './support/scripted-world.ts';
import {
  eventually,
  kitOnRealServer,
  untilStatus,
  userMessage,
  type TestSession,
} from './support/session-kit.ts';

const kit = await kitOnRealServer();

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
