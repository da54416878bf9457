import { describe, expect, test } from 'vitest';
import type { ToolSettlement } from '../../../contracts/tools.ts';
import { emptyJournal } from '../support/dialects.ts';
import type { Dialect } from '../support/dialects.ts';
import { openCalls, toolCall } from '../support/facts.ts';

const DONE: ToolSettlement = { outcome: 'completed', result: 'done' };
const LEASE = 15_000;

export const overdueConformance = (dialect: Dialect) =>
  describe('the overdue calls of the ledger', () => {
    test('are listed in pages, that which waits longest first', async () => {
      let now = Date.now();
      await using opened = await emptyJournal(dialect, () => now);
      const { ledger } = opened.journal;
      const calls = Array.from({ length: 5 }, () => toolCall({ timeoutMs: 2_000 }));
      await openCalls(opened.journal, ...calls);
      const [due, ...answered] = calls.toSorted((a, b) => (a.callId < b.callId ? 1 : -1));
      await ledger.lease(due!.callId, { holder: 'one', leaseMs: LEASE });
      const last = answered.pop()!;
      for (const { callId } of answered) await ledger.answer(callId, DONE);
      now += 5_000;
      await ledger.answer(last.callId, DONE);
      now += 1_000;
      const seen: string[] = [];
      let cursor: string | undefined;
      do {
        const page = await ledger.overdue(1_000, { cursor, limit: 2 });
        seen.push(...page.items.map(({ callId }) => callId));
        cursor = page.nextCursor ?? undefined;
      } while (cursor !== undefined);
      const atOnce = answered.map(({ callId }) => callId).toSorted();
      expect(seen).toEqual([...atOnce, due!.callId, last.callId]);
      await expect(ledger.overdue(1_000, { cursor: 'else', limit: 2 })).rejects.toMatchObject({
        code: 'invalid_input',
      });
    });
  });
