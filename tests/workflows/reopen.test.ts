/**
 * What is said to a session that is about to end. On the real server: there a task that would end a run beside a new message is given again with all of its history.
 * The time-skipping one gives only the rest to the worker that has just been refused, which then ends the run as it had meant to (seen, one time in eight).
 */
import { expect, test } from 'vitest';
import type { SealResult } from '../../contracts/activities.ts';
import { newId } from '../../contracts/ids.ts';
import { SEARCH_ATTRIBUTES } from '../../contracts/names.ts';
import { gate } from './support/gate.ts';
import { completed, spent } from './support/scripted-world.ts';
import {
  eventually,
  kitOnRealServer,
  untilQuiet,
  untilStatus,
  untilTurns,
  userMessage,
  type StartOptions,
  type TestSession,
} from './support/session-kit.ts';

const kit = await kitOnRealServer();

/** Told to stop; it ends as soon as the journal has sealed the open step. */
async function ending(over: StartOptions = {}) {
  const session = await kit.session({
    ...over,
    message: userMessage(),
    script: [gate().step],
    otherwise: completed(),
  });
  await eventually(() => session.world.steps.length === 1, 'the first step');
  const sealed = Promise.withResolvers<SealResult>();
  session.world.sealing = () => sealed.promise;
  await session.handle.signal('stopSession');
  await eventually(() => session.world.seals.length === 1, 'the seal');
  return { session, end: () => sealed.resolve({ outcome: 'interrupted', spend: spent(3) }) };
}

const stateOf = async ({ sessionId }: TestSession) =>
  (await kit.client.workflow.getHandle(sessionId).describe()).searchAttributes[
    SEARCH_ATTRIBUTES.state
  ];

test('a message that may reopen the session is answered by the run that follows its end, once, also when it comes twice', async () => {
  const { session, end } = await ending();
  const message = { ...userMessage('interrupt'), reopen: true };
  await session.handle.signal('userMessage', message);
  await session.handle.signal('userMessage', message);
  const second = { ...userMessage(), reopen: true };
  await session.handle.signal('userMessage', second);
  end();
  await untilTurns(session, 3);
  expect(await session.status()).toMatchObject({ state: 'waiting', turns: 3 });
  await session.handle.signal('userMessage', message);
  expect(session.world.accepted.slice(1)).toEqual([[message.messageId], [second.messageId]]);
  expect(session.world.factTypes.toSorted()).toEqual([
    'message.queued',
    'message.queued',
    'session.ended',
    'session.reopened',
  ]);
  expect(session.world.factTypes.at(-1)).toBe('session.reopened');
  expect((await session.status()).spend).toEqual(spent(23, 0.02));
  await kit.client.workflow.getHandle(session.sessionId).signal('stopSession');
});

test('one that may not is told that the session has ended; sent again with leave to reopen, it is answered', async () => {
  const { session, end } = await ending();
  const message = userMessage();
  await session.handle.signal('userMessage', message);
  await session.handle.signal('userMessage', { ...message, reopen: true });
  end();
  await eventually(() => session.world.steps.length === 2, 'the answer');
  expect(session.world.accepted.at(-1)).toEqual([message.messageId]);
  await kit.client.workflow.getHandle(session.sessionId).signal('stopSession');
});

test('without leave no run follows', async () => {
  const { session, end } = await ending();
  const messageId = await session.send();
  end();
  await session.handle.result();
  expect(session.world.factsOf('message.rejected')).toMatchObject([
    { messageId, error: { code: 'session_closed' } },
  ]);
  expect(await stateOf(session)).toEqual(['ended']);
});

test('a session that is reopened while it ends waits in a new run; one that is open takes no notice', async () => {
  const { session, end } = await ending();
  await session.handle.signal('reopenSession');
  end();
  await untilQuiet(session, ({ factTypes }) => factTypes.length === 3);
  expect(await session.status()).toMatchObject({ state: 'waiting', turns: 1 });
  expect(session.world.factTypes).toEqual(['session.ended', 'session.reopened', 'session.state']);
  await session.handle.signal('reopenSession');
  await session.send();
  await untilTurns(session, 2);
  expect(await session.status()).toMatchObject({ state: 'waiting', turns: 2 });
  await session.handle.signal('stopSession');
  await eventually(() => session.world.factTypes.length === 4, 'the end');
  expect(session.world.factTypes.at(-1)).toBe('session.ended');
});

test('it asks for its place among the open ones again; a stop meanwhile takes it back', async () => {
  const { session, end } = await ending({ openSessions: 7 });
  const asked = Promise.withResolvers<number>();
  const answered = Promise.withResolvers<boolean>();
  session.world.placing = (most) => (asked.resolve(most), answered.promise);
  await session.handle.signal('reopenSession');
  end();
  expect(await asked.promise).toBe(7);
  await session.handle.signal('stopSession');
  answered.resolve(true);
  await session.handle.result();
  expect(session.world.factTypes).toEqual(['session.ended']);
});

test('a stop after that takes it back, and the message is told', async () => {
  const { session, end } = await ending();
  const message = { ...userMessage(), reopen: true };
  await session.handle.signal('userMessage', message);
  await session.handle.signal('stopSession');
  end();
  await session.handle.result();
  expect(session.world.factTypes).toContain('session.ended');
  expect(session.world.factTypes.filter((type) => type !== 'session.ended')).toEqual([
    'message.queued',
    'message.rejected',
  ]);
  expect(session.world.steps).toHaveLength(1);
});

test('more messages than a queue holds, and one that wants no company, are refused while the session ends', async () => {
  const { session, end } = await ending();
  const reopening = () => ({ ...userMessage(), reopen: true });
  await session.handle.signal('userMessage', reopening());
  await session.handle.signal('userMessage', { ...reopening(), policy: 'reject' });
  await Promise.all(
    Array.from({ length: 100 }, () => session.handle.signal('userMessage', reopening())),
  );
  await eventually(() => session.world.facts.length === 102, 'all facts');
  expect(session.world.factsOf('message.rejected')).toMatchObject([
    { error: { code: 'session_busy' } },
    { error: { code: 'queue_full' } },
  ]);
  await session.handle.signal('stopSession');
  end();
  await session.handle.result();
});

test('a session whose last turn failed ends as failed; one that recovered does not', async () => {
  const failed = await kit.session({ message: userMessage() });
  await untilStatus(failed, { state: 'waiting', turns: 1 });
  await failed.stop();
  expect(await stateOf(failed)).toEqual(['failed']);

  const recovered = await kit.session({ message: userMessage() });
  await untilStatus(recovered, { state: 'waiting', turns: 1 });
  recovered.world.otherwise = completed();
  await recovered.send();
  await untilStatus(recovered, { state: 'waiting', turns: 2 });
  await recovered.stop();
  expect(await stateOf(recovered)).toEqual(['ended']);
});

test('an idempotency key stands for one change; its repeat changes nothing, also in a later run', async () => {
  const session = await kit.session({ otherwise: completed() });
  const handle = () => kit.client.workflow.getHandle(session.sessionId);
  const reconfigure = (updateId: string, model: string) =>
    handle().executeUpdate('reconfigure', { updateId, args: [{ model }, 'key'] });
  await reconfigure('key-a', 'larger');
  await expect(reconfigure('key-b', 'smaller')).rejects.toMatchObject({
    cause: { type: 'idempotency_conflict' },
  });
  await expect(
    handle().executeUpdate('editQueue', {
      updateId: 'key-c',
      args: [{ action: 'remove', messageId: newId('msg') }, 'key'],
    }),
  ).rejects.toMatchObject({ cause: { type: 'idempotency_conflict' } });
  await reconfigure('other', 'smaller').catch(() => undefined);
  await handle().executeUpdate('reconfigure', {
    updateId: 'limits',
    args: [{ limits: { historyEvents: 30 } }],
  });
  for (let turn = 1; turn <= 6; turn++) {
    await session.send();
    await untilTurns(session, turn);
  }
  expect((await handle().describe()).raw.workflowExecutionInfo?.firstRunId).not.toBe(
    (await handle().describe()).runId,
  );
  await reconfigure('key-a', 'larger');
  await expect(reconfigure('key-b', 'smaller')).rejects.toMatchObject({
    cause: { type: 'idempotency_conflict' },
  });
  expect(session.world.factsOf('model.switched')).toHaveLength(1);
  await handle().signal('stopSession');
});
