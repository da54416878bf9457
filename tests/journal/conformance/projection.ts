import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { newId } from '../../../contracts/ids.ts';
import type { CallId, MessageId } from '../../../contracts/ids.ts';
import { AttemptClosed } from '../../../journal/port.ts';
import type { Attempt, Journal } from '../../../journal/port.ts';
import { emptyJournal } from '../support/dialects.ts';
import type { Dialect } from '../support/dialects.ts';
import {
  allEvents,
  answer,
  asksFor,
  claimOf,
  createSession,
  delta,
  spend,
  text,
  toolCall,
  usage,
} from '../support/facts.ts';

const ACTIONS = [
  'claim',
  'again',
  'append',
  'answer',
  'tools',
  'fail',
  'seal',
  'queue',
  'reply',
  'settle',
  'charge',
  'end',
  'reopen',
] as const;
type Action = (typeof ACTIONS)[number];

/** Does whatever the action says to one session, sensible or not. */
function script(journal: Journal, sessionId: Attempt['sessionId']) {
  let turn: MessageId = newId('msg');
  let step = 1;
  let clock = 0;
  let attempt: Attempt = {
    sessionId,
    turn,
    step,
    number: 1,
    fence: { scheduledAt: 0, attempt: 0 },
  };
  let callId: CallId = newId('call');
  const record = (
    key: string,
    event: Parameters<typeof journal.events.record>[1][number]['event'],
  ) => journal.events.record(sessionId, [{ key, event }]);
  const claim = async () => {
    const messages = step === 1 ? claimOf(sessionId, { turn }).messages : [];
    const result = await journal.steps.claim({
      sessionId,
      turn,
      step,
      messages,
      inputDigest: 'i',
      fence: { scheduledAt: ++clock, attempt: 1 },
    });
    if (result.state === 'claimed') attempt = result.attempt;
  };
  const actions: Record<Action, () => Promise<unknown>> = {
    claim: () => {
      [turn, step] = [newId('msg'), 1];
      return claim();
    },
    again: claim,
    append: () => journal.steps.append(attempt, [delta('x'), delta('y', 'reasoning')]),
    answer: () => journal.steps.finish(attempt, answer('xy', 2)),
    tools: async () => {
      const call = toolCall({ mode: clock % 2 ? 'client' : 'worker' });
      await journal.steps.finish(attempt, asksFor(call));
      callId = call.callId;
      step++;
    },
    fail: () =>
      journal.steps.fail(attempt, {
        events: [usage(1)],
        error: { code: 'network_error', message: '', retryable: true },
        charged: true,
        spend: spend(1),
      }),
    seal: () =>
      journal.steps.seal({
        sessionId,
        turn,
        step,
        cause: 'interrupt',
        messages: claimOf(sessionId, { turn }).messages,
        turnSpend: spend(0),
      }),
    queue: () =>
      record(newId('msg'), {
        type: 'message.queued',
        data: { messageId: newId('msg'), content: text('q'), policy: 'enqueue' },
      }),
    reply: () => journal.ledger.answer(callId, { outcome: 'completed', result: 1 }),
    settle: () =>
      journal.ledger.settle({ sessionId, turn, step, callId, giveUp: true }).catch(() => {}),
    charge: () => journal.steps.chargeAborted(attempt, { ...spend(1), provider: 'p', model: 'm' }),
    end: () => record(newId('msg'), { type: 'session.ended', data: { reason: 'idle' } }),
    reopen: () => record(newId('msg'), { type: 'session.reopened', data: {} }),
  };
  return actions;
}

export const projectionConformance = (dialect: Dialect) =>
  describe('the projection', () => {
    test('is what a fold over the log gives, whatever happened', async () => {
      await using opened = await emptyJournal(dialect);
      const { journal } = opened;
      await fc.assert(
        fc.asyncProperty(
          fc.array(fc.constantFrom(...ACTIONS), { minLength: 5, maxLength: 40 }),
          async (actions) => {
            const sessionId = await createSession(journal);
            const perform = script(journal, sessionId);
            for (const action of actions) {
              await perform[action]().catch((error: unknown) =>
                expect(error).toBeInstanceOf(AttemptClosed),
              );
            }
            const before = await journal.sessions.get(sessionId);
            expect(await journal.sessions.rebuild(sessionId)).toBe(false);
            expect(await journal.sessions.get(sessionId)).toEqual(before);
            const events = await allEvents(journal, sessionId);
            expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => index + 1));
            const settled = events
              .filter(({ type }) => type === 'tool.settled')
              .map(({ data }) => (data as { callId: string }).callId);
            expect(new Set(settled).size).toBe(settled.length);
          },
        ),
        { numRuns: 25 },
      );
    });

    test('is mended by a rebuild, page by page', async () => {
      await using opened = await emptyJournal(dialect);
      const { journal, database } = opened;
      const sessionId = await createSession(journal);
      const event = { type: 'session.state' as const, data: { state: 'waiting' as const } };
      await journal.events.record(
        sessionId,
        Array.from({ length: 1_100 }, (_, index) => ({ key: `${index}`, event })),
      );
      const before = await journal.sessions.get(sessionId);
      await database.execute(
        `update sessions set state = 'error', open = 0, last_seq = 1, details = '{"queue":[]}'`,
      );
      expect(await journal.sessions.rebuild(sessionId)).toBe(true);
      expect(await journal.sessions.get(sessionId)).toEqual(before);
    });
  });
