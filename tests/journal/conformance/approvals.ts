import { describe, expect, test } from 'vitest';
import { approvalIdOf } from '../../../contracts/approvals.ts';
import { newId } from '../../../contracts/ids.ts';
import type { ApprovalRow, RequestedCall } from '../../../journal/port.ts';
import {
  approved,
  askedCall,
  asking,
  auditOf,
  callIn,
  stateOf,
  WAIT_MS,
} from '../support/approvals.ts';
import { emptyJournal } from '../support/dialects.ts';
import type { Dialect } from '../support/dialects.ts';
import { allEvents, openCalls, OWNER, toolCall, types } from '../support/facts.ts';

export const approvalsConformance = (dialect: Dialect) =>
  describe('approvals', () => {
    test('a call that a person is asked about enters the ledger held, and the question the log and the list, in one transaction', async () => {
      await using opened = await emptyJournal(dialect);
      const { journal } = opened;
      const { sessionId, turn, callId, approvalId } = await asking(journal);
      const events = await allEvents(journal, sessionId);
      expect(types(events).slice(-2)).toEqual(['tool.requested', 'approval.opened']);
      expect(events.at(-2)?.data).toMatchObject({ callId, held: true });
      expect(events.at(-1)).toMatchObject({
        turn,
        step: 1,
        data: {
          approvalId,
          callId,
          name: 'look_up',
          arguments: { q: 'x' },
          preview: '-old\n+new',
          rule: 'approvalPolicy[0]',
          reason: 'writes to disk',
        },
      });
      expect(await journal.ledger.get(callId)).toMatchObject({ state: 'held' });
      const row = await journal.approvals.get(approvalId);
      expect(row).toMatchObject({
        ...OWNER,
        ...{ approvalId, callId, sessionId, turn, step: 1, name: 'look_up', mode: 'worker' },
        ...{ effect: 'keyed', arguments: '{"q":"x"}', inputSchema: { type: 'object' } },
        ...{ state: 'open', outcome: null, decision: null, settledAt: null },
      });
      const waits = ({ createdAt, expiresAt }: ApprovalRow) =>
        Date.parse(expiresAt) - Date.parse(createdAt);
      expect(waits(row!)).toBe(WAIT_MS);
      expect(await stateOf(journal, sessionId)).toBe('waiting_for_approval');
      expect(await journal.approvals.get(newId('apr'))).toBeUndefined();
    });

    test('nobody is offered a held call, can claim, answer or run it', async () => {
      await using opened = await emptyJournal(dialect);
      const { journal } = opened;
      const { callId, sessionId, turn } = await asking(journal, { mode: 'client' });
      expect(await journal.ledger.pending(OWNER, 10)).toEqual([]);
      expect(await journal.ledger.lease(callId, { holder: 'me', leaseMs: 1_000 })).toBeUndefined();
      expect(await journal.ledger.answer(callId, { outcome: 'completed', result: 1 })).toBe(
        'unknown',
      );
      const fence = { scheduledAt: 1, attempt: 1 };
      await expect(
        journal.ledger.begin({ sessionId, turn, step: 1, callId }, fence),
      ).rejects.toMatchObject({ code: 'tool_denied' });
      expect(await journal.ledger.get(callId)).toMatchObject({ state: 'held' });
    });

    test.each(['worker', 'client'] as const)(
      'an approved call of a %s begins as it would have without a question',
      async (mode) => {
        await using opened = await emptyJournal(dialect);
        const { journal } = opened;
        const { sessionId, callId, approvalId, settle } = await asking(journal, { mode });
        expect(await settle()).toEqual({ state: 'open' });
        expect(await settle({ decision: approved() })).toEqual({
          state: 'settled',
          outcome: 'approved',
          decisionId: 'first',
        });
        const state = mode === 'client' ? 'offered' : 'requested';
        expect(await journal.ledger.get(callId)).toMatchObject({ state, arguments: '{"q":"x"}' });
        expect((await allEvents(journal, sessionId)).at(-1)).toMatchObject({
          type: 'approval.settled',
          data: { approvalId, callId, outcome: 'approved', by: 'ann' },
        });
        expect(await stateOf(journal, sessionId)).toBe(
          mode === 'client' ? 'waiting_for_tools' : 'running',
        );
        expect(await callIn(journal, sessionId)).toMatchObject({
          state: 'requested',
          approval: { approvalId, settlement: { outcome: 'approved', by: 'ann' } },
        });
        expect(await auditOf(journal)).toEqual([
          {
            at: expect.any(String),
            tenant: 'acme',
            user: 'ann',
            action: 'approval.approved',
            subject: approvalId,
            details: { sessionId, callId, tool: 'look_up', edited: false },
          },
        ]);
      },
    );

    test('changed arguments are what the call runs with, and its result says so', async () => {
      await using opened = await emptyJournal(dialect);
      const { journal } = opened;
      const { sessionId, turn, callId, approvalId, settle } = await asking(journal);
      await settle({ decision: approved({ arguments: '{"q":"y"}' }) });
      expect((await allEvents(journal, sessionId)).at(-1)?.data).toMatchObject({
        outcome: 'approved',
        arguments: { q: 'y' },
      });
      const fence = { scheduledAt: 1, attempt: 1 };
      const begun = await journal.ledger.begin({ sessionId, turn, step: 1, callId }, fence);
      expect(begun).toMatchObject({ state: 'begun', call: { arguments: '{"q":"y"}' } });
      await journal.ledger.finish(callId, fence, { outcome: 'completed', result: 'found' });
      const rows = await journal.events.transcript(sessionId);
      expect(rows.at(-1)).toMatchObject({ role: 'tool', callId, arguments: { q: 'y' } });
      // The question was about what the model had asked for.
      expect(await journal.approvals.get(approvalId)).toMatchObject({
        arguments: '{"q":"x"}',
        decision: { id: 'first', by: 'ann', arguments: '{"q":"y"}' },
      });
      expect(await auditOf(journal)).toMatchObject([{ details: { edited: true } }]);
    });

    test('changed arguments over 32 KiB are an artifact in the log', async () => {
      await using opened = await emptyJournal(dialect);
      const { journal } = opened;
      const { sessionId, settle } = await asking(journal);
      const large = JSON.stringify({ q: 'y'.repeat(40_000) });
      await settle({ decision: approved({ arguments: large }) });
      const { data } = (await allEvents(journal, sessionId)).at(-1)!;
      expect(data).toMatchObject({ outcome: 'approved', artifact: { bytes: large.length } });
      expect(data).not.toHaveProperty('arguments');
    });

    test('while one of two is open the session goes on waiting for a person', async () => {
      await using opened = await emptyJournal(dialect);
      const { journal } = opened;
      const calls = [askedCall(), askedCall({ mode: 'client' }), toolCall()];
      const { sessionId } = await openCalls(journal, ...calls);
      const settle = ({ callId, arguments: input }: RequestedCall) =>
        journal.approvals.settle({
          sessionId,
          callId,
          approvalId: approvalIdOf(sessionId, callId, input),
          decision: approved(),
        });
      expect(await stateOf(journal, sessionId)).toBe('waiting_for_approval');
      await settle(calls[0]!);
      expect(await stateOf(journal, sessionId)).toBe('waiting_for_approval');
      await settle(calls[1]!);
      expect(await stateOf(journal, sessionId)).toBe('waiting_for_tools');
    });

    test('lists are of one tenant, of one user, of one session, and newest first in pages', async () => {
      await using opened = await emptyJournal(dialect);
      const { journal } = opened;
      const [one, two] = [await asking(journal), await asking(journal)];
      await one.settle({ decision: approved() });
      const list = async (filter: object, page: object = {}) => {
        const found = await journal.approvals.list(
          { tenant: OWNER.tenant, ...filter },
          { limit: 10, ...page },
        );
        return found.items.map(({ approvalId }) => approvalId);
      };
      expect(await list({})).toEqual([two.approvalId, one.approvalId]);
      expect(await list({ user: OWNER.user })).toHaveLength(2);
      expect(await list({ user: 'somebody else' })).toEqual([]);
      expect(await list({ tenant: 'globex' })).toEqual([]);
      expect(await list({ sessionId: one.sessionId })).toEqual([one.approvalId]);
      expect(await list({ state: 'open' })).toEqual([two.approvalId]);
      expect(await list({ state: 'settled' })).toEqual([one.approvalId]);
      const { nextCursor } = await journal.approvals.list({ tenant: OWNER.tenant }, { limit: 1 });
      expect(await list({}, { cursor: nextCursor! })).toEqual([one.approvalId]);
    });

    test('those that are open are counted over all tenants, with the age of the oldest', async () => {
      await using database = await dialect.database();
      let now = 1_700_000_000_000;
      const journal = await database.open(() => now);
      expect(await journal.approvals.waiting()).toEqual({ count: 0, oldestAgeMs: 0 });
      const one = await asking(journal);
      now += 60_000;
      await asking(journal);
      now += 5_000;
      expect(await journal.approvals.waiting()).toEqual({ count: 2, oldestAgeMs: 65_000 });
      await one.settle({ decision: approved() });
      expect(await journal.approvals.waiting()).toEqual({ count: 1, oldestAgeMs: 5_000 });
      await journal.close();
    });

    test('an approval that is not there, or is another call’s, is not found', async () => {
      await using opened = await emptyJournal(dialect);
      const { journal } = opened;
      const [one, two] = [await asking(journal), await asking(journal)];
      const { sessionId, callId } = one;
      for (const approvalId of [newId('apr'), two.approvalId])
        await expect(
          journal.approvals.settle({ sessionId, callId, approvalId, expired: true }),
        ).rejects.toMatchObject({ code: 'not_found' });
    });
  });
