import { describe, expect, test } from 'vitest';
import type { ToolSettlement } from '../../../contracts/tools.ts';
import { NO_SPEND } from '../../../contracts/usage.ts';
import { emptyJournal } from '../support/dialects.ts';
import type { Dialect } from '../support/dialects.ts';
import {
  allEvents,
  asksFor,
  claimed,
  claimOf,
  createSession,
  openCalls,
  toolCall,
  withAnother,
} from '../support/facts.ts';

const DONE: ToolSettlement = { outcome: 'completed', result: { paid: true, to: 'a' } };
const SAME: ToolSettlement = { outcome: 'completed', result: { to: 'a', paid: true } };
const OTHER: ToolSettlement = { outcome: 'completed', result: 'other' };

/** Whoever was told that his answer counts must find it in the log, whatever ends the call before the workflow looks at it. */
export const acceptedAnswersConformance = (dialect: Dialect) =>
  describe('an answer that the ledger of tool calls accepted', () => {
    test('is in the log when its turn is interrupted, and only calls without one are interrupted', async () => {
      await using opened = await emptyJournal(dialect);
      const { journal } = opened;
      const [answered, open] = [toolCall(), toolCall()];
      const ref = await openCalls(journal, answered, open);
      expect(await journal.ledger.answer(answered.callId, DONE)).toBe('accepted');
      await journal.steps.seal({
        ...ref,
        step: 2,
        cause: 'interrupt',
        messages: [],
        turnSpend: NO_SPEND,
      });
      const settled = new Map(
        (await allEvents(journal, ref.sessionId)).flatMap(({ type, data }) =>
          type === 'tool.settled' ? [[data.callId, data]] : [],
        ),
      );
      expect(settled.get(answered.callId)).toMatchObject(DONE);
      expect(settled.get(open.callId)).toMatchObject({ outcome: 'interrupted' });
      expect(await journal.events.transcript(ref.sessionId)).toContainEqual(
        expect.objectContaining({ role: 'tool', id: answered.callId, settlement: DONE }),
      );
      expect(await journal.ledger.answer(answered.callId, SAME)).toBe('repeated');
      expect(await journal.ledger.answer(answered.callId, OTHER)).toBe('duplicate');
      expect(await journal.ledger.answer(open.callId, DONE)).toBe('late');
      const look = { ...ref, step: 1, callId: answered.callId, giveUp: true };
      expect(await journal.ledger.settle(look)).toEqual({ state: 'settled', outcome: 'completed' });
    });

    test('is in the log when the step that asked for it is run again for another input', async () => {
      await using opened = await emptyJournal(dialect);
      const { journal } = opened;
      const claim = claimOf(await createSession(journal));
      const call = toolCall();
      await journal.steps.finish(await claimed(journal, claim), asksFor(call));
      expect(await journal.ledger.answer(call.callId, DONE)).toBe('accepted');
      await claimed(journal, withAnother(claim));
      expect((await allEvents(journal, claim.sessionId)).at(-2)).toMatchObject({
        type: 'tool.settled',
        data: { callId: call.callId, ...DONE },
      });
    });
  });
