import { describe, expect, test } from 'vitest';
import { newId } from '../../../contracts/ids.ts';
import type { ToolSettlement } from '../../../contracts/tools.ts';
import { AttemptClosed } from '../../../journal/port.ts';
import { emptyJournal } from '../support/dialects.ts';
import type { Dialect } from '../support/dialects.ts';
import { allEvents, openCalls, OWNER, toolCall, types } from '../support/facts.ts';

const DONE: ToolSettlement = { outcome: 'completed', result: { b: 1, a: [1, { d: 4, c: 3 }] } };
const SAME: ToolSettlement = { outcome: 'completed', result: { a: [1, { c: 3, d: 4 }], b: 1 } };
const OTHER: ToolSettlement = { outcome: 'completed', result: 'other' };
const FENCE = { scheduledAt: 1_000, attempt: 1 };
const LEASE = 15_000;

export const ledgerConformance = (dialect: Dialect) =>
  describe('the ledger of tool calls', () => {
    test('takes one answer, moves it into the log and the transcript, and refuses others', async () => {
      await using opened = await emptyJournal(dialect);
      const { journal } = opened;
      const call = toolCall();
      const { sessionId, turn } = await openCalls(journal, call);
      const settle = { sessionId, turn, step: 1, callId: call.callId, giveUp: false };
      expect(await journal.ledger.settle(settle)).toEqual({ state: 'open', dueAt: null });
      expect(await journal.ledger.answer(call.callId, DONE)).toBe('accepted');
      expect(await journal.ledger.answer(call.callId, SAME)).toBe('repeated');
      expect(await journal.ledger.answer(call.callId, OTHER)).toBe('duplicate');
      expect(types(await allEvents(journal, sessionId))).not.toContain('tool.settled');
      expect(await journal.ledger.settle(settle)).toEqual({
        state: 'settled',
        outcome: 'completed',
      });
      expect(await journal.ledger.settle(settle)).toEqual({
        state: 'settled',
        outcome: 'completed',
      });
      expect(await journal.ledger.answer(call.callId, SAME)).toBe('repeated');
      expect(await journal.ledger.answer(call.callId, OTHER)).toBe('duplicate');
      expect((await allEvents(journal, sessionId)).at(-1)).toMatchObject({
        type: 'tool.settled',
        data: { callId: call.callId, name: call.name, ...DONE },
      });
      expect((await journal.events.transcript(sessionId)).at(-1)).toMatchObject({
        role: 'tool',
        id: call.callId,
        settlement: DONE,
      });
      expect(await journal.sessions.get(sessionId)).toMatchObject({ state: 'running' });
    });

    test('knows no answer to a call that does not exist, or that a worker runs', async () => {
      await using opened = await emptyJournal(dialect);
      const { ledger } = opened.journal;
      const call = toolCall({ mode: 'worker' });
      const ref = await openCalls(opened.journal, call);
      expect(await ledger.answer(newId('call'), DONE)).toBe('unknown');
      expect(await ledger.answer(call.callId, DONE)).toBe('unknown');
      expect(await ledger.get(newId('call'))).toBeUndefined();
      await expect(ledger.lease(newId('call'), { holder: 'r', leaseMs: 1 })).rejects.toMatchObject({
        code: 'not_found',
      });
      await expect(
        ledger.settle({ ...ref, step: 1, callId: newId('call'), giveUp: true }),
      ).rejects.toMatchObject({ code: 'not_found' });
    });

    test('gives up an unclaimed call when the workflow says so, and a late answer changes nothing', async () => {
      await using opened = await emptyJournal(dialect);
      const { journal } = opened;
      const call = toolCall({ effect: 'never-retry' });
      const ref = await openCalls(journal, call);
      const settled = { state: 'settled', outcome: 'timed_out' };
      expect(
        await journal.ledger.settle({ ...ref, step: 1, callId: call.callId, giveUp: true }),
      ).toEqual(settled);
      const events = await allEvents(journal, ref.sessionId);
      expect(await journal.ledger.answer(call.callId, DONE)).toBe('late');
      expect(await allEvents(journal, ref.sessionId)).toEqual(events);
    });

    test('leases a call to one holder, who renews it, and offers it again when the lease has ended', async () => {
      let now = Date.now();
      await using opened = await emptyJournal(dialect, () => now);
      const { ledger } = opened.journal;
      const call = toolCall();
      const { sessionId } = await openCalls(opened.journal, call);
      const leased = await ledger.lease(call.callId, { holder: 'one', leaseMs: LEASE });
      expect(leased).toMatchObject({ state: 'leased', holder: 'one', sessionId, ...OWNER });
      expect(Date.parse(leased!.dueAt!) - now).toBe(call.timeoutMs);
      expect(await ledger.lease(call.callId, { holder: 'two', leaseMs: LEASE })).toBeUndefined();
      expect(
        await ledger.progress(call.callId, { holder: 'two', leaseMs: LEASE }, { message: 'mine' }),
      ).toBe(false);
      now += LEASE - 1;
      expect(await ledger.lease(call.callId, { holder: 'one', leaseMs: LEASE })).toMatchObject({
        dueAt: leased!.dueAt,
      });
      now += LEASE - 1;
      expect(
        await ledger.progress(
          call.callId,
          { holder: 'one', leaseMs: LEASE },
          { message: 'half', fraction: 0.5 },
        ),
      ).toBe(true);
      expect(await ledger.lease(call.callId, { holder: 'two', leaseMs: LEASE })).toBeUndefined();
      now += LEASE;
      expect(await ledger.lease(call.callId, { holder: 'two', leaseMs: LEASE })).toMatchObject({
        holder: 'two',
      });
      expect(
        await ledger.progress(call.callId, { holder: 'one', leaseMs: LEASE }, { message: 'lost' }),
      ).toBe(false);
      expect(types(await allEvents(opened.journal, sessionId)).slice(-3)).toEqual([
        'tool.started',
        'tool.progress',
        'tool.started',
      ]);
    });

    test('never offers a claimed never-retry call again: it is answered in time, or its outcome is unknown', async () => {
      let now = Date.now();
      await using opened = await emptyJournal(dialect, () => now);
      const { ledger } = opened.journal;
      const [unsafe, safe] = [toolCall({ effect: 'never-retry' }), toolCall()];
      const ref = await openCalls(opened.journal, unsafe, safe);
      for (const { callId } of [unsafe, safe])
        await ledger.lease(callId, { holder: 'one', leaseMs: LEASE });
      now += LEASE + 1;
      expect(await ledger.lease(unsafe.callId, { holder: 'two', leaseMs: LEASE })).toBeUndefined();
      expect((await ledger.overdue(1_000, { limit: 10 })).items).toEqual([]);
      const settle = (callId: typeof safe.callId) =>
        ledger.settle({ ...ref, step: 1, callId, giveUp: true });
      expect(await settle(safe.callId)).toMatchObject({ state: 'open', dueAt: expect.any(String) });
      now += 60_000;
      const due = await ledger.overdue(1_000, { limit: 10 });
      expect(due.items.map(({ callId }) => callId).toSorted()).toEqual(
        [unsafe.callId, safe.callId].toSorted(),
      );
      expect(await settle(unsafe.callId)).toEqual({ state: 'settled', outcome: 'unknown' });
      expect(await settle(safe.callId)).toEqual({ state: 'settled', outcome: 'timed_out' });
      expect(await ledger.lease(safe.callId, { holder: 'one', leaseMs: LEASE })).toBeUndefined();
    });

    test('lists what waits for an answer, and what was answered and never settled', async () => {
      let now = Date.now();
      await using opened = await emptyJournal(dialect, () => now);
      const { ledger } = opened.journal;
      const [first, second, own] = [toolCall(), toolCall(), toolCall({ mode: 'worker' })];
      const { sessionId } = await openCalls(opened.journal, first, own);
      now += 10;
      await openCalls(opened.journal, second);
      const pending = async (filter: object) =>
        (await ledger.pending({ tenant: OWNER.tenant, ...filter }, 10)).map(({ callId }) => callId);
      expect(await pending({})).toEqual([first.callId, second.callId]);
      expect(await pending({ user: OWNER.user, sessionId })).toEqual([first.callId]);
      expect(await pending({ user: 'eve' })).toEqual([]);
      expect(await pending({ tenant: 'other' })).toEqual([]);
      expect(await pending({ mode: 'client' })).toEqual([first.callId, second.callId]);
      expect(await pending({ mode: 'remote' })).toEqual([]);
      await ledger.answer(first.callId, DONE);
      expect(await pending({})).toEqual([second.callId]);
      expect((await ledger.overdue(1_000, { limit: 10 })).items).toEqual([]);
      now += 1_000;
      expect(await ledger.overdue(1_000, { limit: 10 })).toEqual({
        items: [{ callId: first.callId, sessionId }],
        nextCursor: null,
      });
    });

    test('fences a worker’s call, tells a later attempt of the earlier one, and takes one result', async () => {
      await using opened = await emptyJournal(dialect);
      const { journal } = opened;
      const call = toolCall({ mode: 'worker' });
      const ref = { ...(await openCalls(journal, call)), step: 1, callId: call.callId };
      const later = { scheduledAt: 1_000, attempt: 2 };
      expect(await journal.ledger.begin(ref, FENCE)).toMatchObject({
        state: 'begun',
        earlierAttempts: 0,
        call: { state: 'running' },
      });
      expect(await journal.ledger.begin(ref, FENCE)).toMatchObject({
        state: 'begun',
        earlierAttempts: 0,
      });
      expect(await journal.ledger.begin(ref, later)).toMatchObject({
        state: 'begun',
        earlierAttempts: 1,
      });
      expect(await journal.ledger.begin(ref, FENCE)).toEqual({ state: 'superseded' });
      await expect(journal.ledger.finish(call.callId, FENCE, DONE)).rejects.toThrow(
        new AttemptClosed('superseded'),
      );
      await journal.ledger.finish(call.callId, later, DONE);
      await journal.ledger.finish(call.callId, later, SAME);
      await expect(journal.ledger.finish(call.callId, later, OTHER)).rejects.toThrow(
        new AttemptClosed('finished'),
      );
      expect(await journal.ledger.begin(ref, later)).toEqual({
        state: 'settled',
        outcome: 'completed',
      });
      expect(types(await allEvents(journal, ref.sessionId)).slice(-2)).toEqual([
        'tool.started',
        'tool.settled',
      ]);
    });

    test('settles a worker’s call that was given up: unknown where it may have taken effect', async () => {
      await using opened = await emptyJournal(dialect);
      const { journal } = opened;
      const [begun, waiting] = [
        toolCall({ mode: 'worker', effect: 'never-retry' }),
        toolCall({ mode: 'worker', effect: 'never-retry' }),
      ];
      const ref = { ...(await openCalls(journal, begun, waiting)), step: 1 };
      await journal.ledger.begin({ ...ref, callId: begun.callId }, FENCE);
      const settle = ({ callId }: typeof begun, giveUp: boolean) =>
        journal.ledger.settle({ ...ref, callId, giveUp });
      expect(await settle(begun, false)).toEqual({ state: 'open', dueAt: null });
      expect(await settle(begun, true)).toEqual({ state: 'settled', outcome: 'unknown' });
      expect(await settle(waiting, true)).toEqual({ state: 'settled', outcome: 'timed_out' });
    });

    test('says why a call failed that never ran, and unknown where it may have', async () => {
      await using opened = await emptyJournal(dialect);
      const { journal } = opened;
      const error = { code: 'tool_failed', message: 'no such worker', retryable: false } as const;
      const never = { mode: 'worker', effect: 'never-retry' } as const;
      const [begun, waiting] = [toolCall(never), toolCall(never)];
      const ref = { ...(await openCalls(journal, begun, waiting)), step: 1, giveUp: true, error };
      await journal.ledger.begin({ ...ref, callId: begun.callId }, FENCE);
      const settled = (outcome: string) => ({ state: 'settled', outcome });
      expect(await journal.ledger.settle({ ...ref, callId: begun.callId })).toEqual(
        settled('unknown'),
      );
      expect(await journal.ledger.settle({ ...ref, callId: waiting.callId })).toEqual(
        settled('failed'),
      );
      expect((await allEvents(journal, ref.sessionId)).at(-1)).toMatchObject({
        data: { outcome: 'failed', error },
      });
    });

    test('refuses the result of a call whose turn was interrupted', async () => {
      await using opened = await emptyJournal(dialect);
      const { journal } = opened;
      const call = toolCall({ mode: 'worker' });
      const ref = await openCalls(journal, call);
      await journal.ledger.begin({ ...ref, step: 1, callId: call.callId }, FENCE);
      await journal.steps.seal({
        ...ref,
        step: 2,
        cause: 'stop',
        messages: [],
        turnSpend: {
          usage: { inputTokens: 0, outputTokens: 0, cachedInputTokens: 0, reasoningTokens: 0 },
          costUsd: 0,
        },
      });
      await expect(journal.ledger.finish(call.callId, FENCE, DONE)).rejects.toThrow(
        new AttemptClosed('sealed'),
      );
    });

    test('tells who runs a call within milliseconds that its turn was stopped, or that another attempt runs it', async () => {
      await using opened = await emptyJournal(dialect);
      const { journal } = opened;
      const never = new AbortController().signal;
      const calls = ['stopped', 'moved', 'given up'].map(() => toolCall({ mode: 'worker' }));
      const [stopped, moved, givenUp] = await Promise.all(
        calls.map(async ({ callId }, index) => {
          const ref = { ...(await openCalls(journal, calls[index]!)), step: 1, callId };
          await journal.ledger.begin(ref, FENCE);
          const run = { sessionId: ref.sessionId, callId, fence: FENCE };
          return { ref, run, closed: journal.ledger.whenClosed(run, never) };
        }),
      );
      const aborting = new AbortController();
      const aborted = journal.ledger.whenClosed(stopped!.run, aborting.signal);
      aborting.abort();
      expect(await aborted).toBe('aborted');
      await journal.steps.seal({
        ...stopped!.ref,
        cause: 'interrupt',
        messages: [],
        turnSpend: {
          usage: { inputTokens: 0, outputTokens: 0, cachedInputTokens: 0, reasoningTokens: 0 },
          costUsd: 0,
        },
      });
      expect(await stopped!.closed).toBe('sealed');
      expect(await journal.ledger.whenClosed(stopped!.run, never)).toBe('sealed');
      await journal.ledger.begin(moved!.ref, { ...FENCE, attempt: 2 });
      expect(await moved!.closed).toBe('superseded');
      await journal.ledger.settle({ ...givenUp!.ref, giveUp: true });
      expect(await givenUp!.closed).toBe('sealed');
    });

    test('settles at once what cannot be run, and shows arguments that are no JSON as they came', async () => {
      await using opened = await emptyJournal(dialect);
      const { journal } = opened;
      const error = { code: 'invalid_input', message: 'no such tool', retryable: false } as const;
      const call = toolCall({ arguments: '{"q":', settlement: { outcome: 'failed', error } });
      const { sessionId } = await openCalls(journal, call);
      const events = await allEvents(journal, sessionId);
      expect(events.at(-2)).toMatchObject({ type: 'tool.requested', data: { arguments: '{"q":' } });
      expect(events.at(-1)).toMatchObject({
        type: 'tool.settled',
        data: { outcome: 'failed', error },
      });
      expect(await journal.sessions.get(sessionId)).toMatchObject({ state: 'running' });
    });
  });
