import { describe, expect, test } from 'vitest';
import { approvalIdOf } from '../../../contracts/approvals.ts';
import { approved, askedCall, asking, auditOf, rejected, stateOf } from '../support/approvals.ts';
import { emptyJournal } from '../support/dialects.ts';
import type { Dialect } from '../support/dialects.ts';
import {
  allEvents,
  asksFor,
  claimed,
  claimOf,
  openStep,
  sealOf,
  types,
  withAnother,
} from '../support/facts.ts';

export const approvalEndsConformance = (dialect: Dialect) =>
  describe('the end of an approval', () => {
    test('a rejected call is settled with its reason, for the model to read', async () => {
      await using opened = await emptyJournal(dialect);
      const { journal } = opened;
      const { sessionId, callId, settle } = await asking(journal, { mode: 'client' });
      expect(await settle({ decision: rejected })).toMatchObject({ outcome: 'rejected' });
      const events = await allEvents(journal, sessionId);
      expect(types(events).slice(-2)).toEqual(['approval.settled', 'tool.settled']);
      expect((await journal.events.transcript(sessionId)).at(-1)).toMatchObject({
        callId,
        settlement: {
          outcome: 'rejected',
          error: { code: 'tool_denied', message: expect.stringContaining('They said: no') },
        },
      });
      expect(await stateOf(journal, sessionId)).toBe('running');
      expect(await journal.ledger.get(callId)).toMatchObject({
        state: 'settled',
        outcome: 'rejected',
      });
      expect(await auditOf(journal)).toMatchObject([{ action: 'approval.rejected', user: 'bob' }]);
    });

    test('a rejection without a reason says that a person rejected it', async () => {
      await using opened = await emptyJournal(dialect);
      const { journal } = opened;
      const { sessionId, settle } = await asking(journal);
      await settle({ decision: { id: 'x', by: 'bob', outcome: 'rejected' } });
      const [settled] = (await journal.events.transcript(sessionId)).slice(-1);
      expect(settled).toMatchObject({
        settlement: { error: { message: 'A person rejected this call. It did not run.' } },
      });
    });

    test('an expired call is rejected, by nobody', async () => {
      await using opened = await emptyJournal(dialect);
      const { journal } = opened;
      const { sessionId, approvalId, settle } = await asking(journal);
      const expired = { state: 'settled', outcome: 'expired', decisionId: null };
      expect(await settle({ expired: true })).toEqual(expired);
      expect(await settle({ decision: approved() })).toEqual(expired);
      const events = await allEvents(journal, sessionId);
      expect(events.slice(-2)).toMatchObject([
        { type: 'approval.settled', data: { approvalId, outcome: 'expired' } },
        { type: 'tool.settled', data: { outcome: 'rejected', error: { code: 'tool_denied' } } },
      ]);
      expect(await auditOf(journal)).toEqual([]);
    });

    test('the first of two decisions counts, in one batch and after another, and changes nothing twice', async () => {
      await using opened = await emptyJournal(dialect);
      const { journal } = opened;
      const { sessionId, settle } = await asking(journal);
      const first = { state: 'settled', outcome: 'approved', decisionId: 'first' };
      const both = [settle({ decision: approved() }), settle({ decision: rejected })];
      expect(await Promise.all(both)).toEqual([first, first]);
      expect(await settle({ decision: approved() })).toEqual(first);
      expect(await settle({ expired: true })).toEqual(first);
      const events = types(await allEvents(journal, sessionId));
      expect(events.filter((type) => type === 'approval.settled')).toHaveLength(1);
      expect(await auditOf(journal)).toHaveLength(1);
    });

    test('the end of a turn withdraws what nobody has decided', async () => {
      await using opened = await emptyJournal(dialect);
      const { journal } = opened;
      const { sessionId, turn, approvalId, settle } = await asking(journal);
      await journal.steps.seal(sealOf({ sessionId, turn, step: 2 }));
      const events = await allEvents(journal, sessionId);
      expect(types(events).slice(-3)).toEqual(['approval.settled', 'tool.settled', 'turn.settled']);
      expect(events.at(-3)).toMatchObject({ data: { approvalId, outcome: 'withdrawn' } });
      expect(events.at(-2)).toMatchObject({ data: { outcome: 'interrupted' } });
      expect(await journal.approvals.get(approvalId)).toMatchObject({
        state: 'settled',
        outcome: 'withdrawn',
        settledAt: expect.any(String),
      });
      expect(await settle({ decision: approved() })).toMatchObject({ outcome: 'withdrawn' });
      expect(await stateOf(journal, sessionId)).toBe('waiting');
    });

    test('a call that its workflow gives up is withdrawn, and no decision brings it back', async () => {
      await using opened = await emptyJournal(dialect);
      const { journal } = opened;
      const { sessionId, turn, approvalId, callId, settle } = await asking(journal);
      const error = { code: 'tool_failed', message: 'not approved', retryable: false } as const;
      // The workflow knows of an approval that the journal, restored from before it, does not.
      const given = { sessionId, turn, step: 1, callId, giveUp: true, error };
      expect(await journal.ledger.settle(given)).toMatchObject({ outcome: 'failed' });
      expect(await journal.approvals.get(approvalId)).toMatchObject({ outcome: 'withdrawn' });
      expect(await settle({ decision: approved() })).toMatchObject({ outcome: 'withdrawn' });
      expect(await journal.ledger.get(callId)).toMatchObject({ state: 'settled' });
      expect(await auditOf(journal)).toEqual([]);
    });

    test('a decision and the end of the turn in one batch: what came first counts', async () => {
      await using opened = await emptyJournal(dialect);
      const { journal } = opened;
      const { sessionId, turn, callId, settle } = await asking(journal);
      const decided = settle({ decision: approved() });
      const sealed = journal.steps.seal(sealOf({ sessionId, turn, step: 2 }));
      expect(await decided).toMatchObject({ outcome: 'approved' });
      await sealed;
      expect(await journal.ledger.get(callId)).toMatchObject({ outcome: 'interrupted' });
      const settled = (await allEvents(journal, sessionId)).filter(
        ({ type }) => type === 'approval.settled',
      );
      expect(settled).toHaveLength(1);
    });

    test('a step that is run again for another input withdraws what its calls asked', async () => {
      await using opened = await emptyJournal(dialect);
      const { journal } = opened;
      const { sessionId, turn, attempt } = await openStep(journal);
      const call = askedCall();
      await journal.steps.finish(attempt, asksFor(call));
      await claimed(journal, withAnother(claimOf(sessionId, { turn })));
      const approvalId = approvalIdOf(sessionId, call.callId, call.arguments);
      expect(await journal.approvals.get(approvalId)).toMatchObject({ outcome: 'withdrawn' });
    });
  });
