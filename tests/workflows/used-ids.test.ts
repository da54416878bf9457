// Two messages under one id, of which the journal did not know the first when the second was sent.
import { expect, test } from 'vitest';
import { newId } from '../../contracts/ids.ts';
import { DEFAULT_SESSION_LIMITS } from '../../contracts/limits.ts';
import * as inbox from '../../workflows/session/inbox.ts';
import * as state from '../../workflows/session/state.ts';
import { completed } from './support/scripted-world.ts';
import { kitWithSkippedTime, untilStatus, userMessage } from './support/session-kit.ts';

const kit = await kitWithSkippedTime();

test('another content under an id that was taken is refused in the log, and changes nothing', async () => {
  const message = userMessage();
  const another = { ...message, content: [{ type: 'text', text: 'something else' }] };
  const session = await kit.session({ message, otherwise: completed() });
  await session.handle.signal('userMessage', another);
  await untilStatus(session, { turns: 1, state: 'waiting' });
  await session.handle.signal('userMessage', another);
  await session.stop();
  expect(session.world.steps.map(({ messages }) => messages)).toEqual([[message]]);
  const { messageId } = message;
  const refusal = { messageId, error: { code: 'idempotency_conflict', retryable: false } };
  expect(session.world.factsOf('message.rejected')).toMatchObject([refusal]);
});

test('only a content that differs from what stands under an id contradicts it', () => {
  const names = { sessionId: newId('ses'), tenant: 'acme', agent: 'assistant', model: 'demo' };
  const start = { ...names, limits: DEFAULT_SESSION_LIMITS, origin: 'start' } as const;
  const session = state.openSession(start, 0);
  const message = userMessage('reject', 'one');
  const another = userMessage('reject', 'two');
  const under = { ...another, messageId: message.messageId };
  expect(inbox.isAnother(session, message)).toBe(false);
  inbox.receive(session, message, 0);
  expect(inbox.isAnother(session, { ...message, policy: 'steer' })).toBe(false);
  expect(inbox.isAnother(session, under)).toBe(true);
  expect(inbox.isAnother(session, {} as typeof message)).toBe(false);
  // Rejected, because the first one waits: nothing stands under its id.
  inbox.receive(session, another, 0);
  expect(inbox.isAnother(session, { ...message, messageId: another.messageId })).toBe(false);
  expect(inbox.isOfEarlierRun(session, message)).toBe(false);
  // In the next run only the journal knows it.
  const next = state.openSession(state.carryOver(session), 0);
  expect(inbox.isAnother(next, under)).toBe(false);
  expect(inbox.isOfEarlierRun(next, under)).toBe(true);
  expect(inbox.isOfEarlierRun(next, userMessage())).toBe(false);
  expect(inbox.isOfEarlierRun(next, {} as typeof message)).toBe(false);
});

test('what was turned away at the end may come again, each time, with leave to reopen', () => {
  const names = { sessionId: newId('ses'), tenant: 'acme', agent: 'assistant', model: 'demo' };
  const start = { ...names, limits: DEFAULT_SESSION_LIMITS, origin: 'start' } as const;
  const session = state.openSession({ ...start, signalsInOrder: true }, 0);
  const [first, second, queued] = [userMessage(), userMessage(), userMessage()];
  const receive = (message: typeof first) =>
    inbox.receive(session, { ...message, reopen: true }, 0);
  inbox.receive(session, first, 0);
  inbox.receive(session, queued, 0);
  inbox.stop(session);
  inbox.rejectWaiting(session);
  for (const message of [first, second, queued]) {
    receive(message);
    expect(session.held.map(({ messageId }) => messageId)).toEqual([message.messageId]);
    receive(message);
    expect(session.held).toHaveLength(1);
    expect(inbox.isOfEarlierRun(session, message)).toBe(false);
    // It takes back what was to follow.
    inbox.stop(session);
    receive(message);
    expect(session.held).toHaveLength(1);
    inbox.stop(session);
  }
  // Each wait, and each refusal, is a fact of its own.
  const keys = session.outbox.map(({ key }) => key);
  expect(new Set(keys).size).toBe(keys.length);
});
