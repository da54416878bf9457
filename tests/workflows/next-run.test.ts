// What one run of a session leaves to the next, and to the journal, without Temporal.
import { expect, test } from 'vitest';
import { newId } from '../../contracts/ids.ts';
import { DEFAULT_SESSION_LIMITS } from '../../contracts/limits.ts';
import * as inbox from '../../workflows/session/inbox.ts';
import * as state from '../../workflows/session/state.ts';
import * as updates from '../../workflows/session/updates.ts';
import { userMessage } from './support/session-kit.ts';

const NOW = Date.parse('2026-11-30T00:00:00Z');
const UPDATE = { id: 'u1', now: NOW };

const idle = () =>
  state.openSession(
    {
      ...{ sessionId: newId('ses'), tenant: 'acme', agent: 'assistant', model: 'demo' },
      ...{ limits: DEFAULT_SESSION_LIMITS, origin: 'start' },
    },
    NOW,
  );

test('an interrupt of the next turn in the queue outlives the run, and not what it was meant for', () => {
  const session = idle();
  const messageId = newId('msg');
  session.queue = [{ messageId, policy: 'enqueue', unrecorded: 0 }];
  inbox.interrupt(session, { turn: newId('msg') });
  expect(session.interrupting).toBe(false);
  inbox.interrupt(session, { turn: messageId });
  const next = state.openSession(state.carryOver(session), NOW);
  expect(next.interrupting).toBe(true);
  expect(state.openSession(state.reopenedStart(session), NOW).interrupting).toBe(false);
  updates.editQueue(next, { action: 'remove', messageId }, UPDATE);
  inbox.receive(next, userMessage(), NOW);
  expect(next.interrupting).toBe(false);
});

test('changes of one session are told apart by when they were decided, however many come at once', () => {
  const session = idle();
  const change = () => updates.reconfigure(session, { limits: { stepsPerTurn: 3 } }, UPDATE);
  expect([change(), change(), change()]).toEqual(
    [NOW, NOW + 1, NOW + 2].map((decidedAt) => ({ decidedAt })),
  );
  const keyed = { ...UPDATE, key: 'once' };
  updates.reconfigure(session, {}, keyed);
  expect(updates.reconfigure(session, {}, keyed)).toBeUndefined();
});
