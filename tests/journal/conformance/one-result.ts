import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { PerdureEvent } from '../../../contracts/events.ts';
import type { Journal } from '../../../journal/port.ts';
import { toModelMessages } from '../../../activities/model/context/messages.ts';
import {
  CLAIMED_ONCE,
  ENDS,
  fight,
  KINDS,
  LEASE_MS,
  TROUBLES,
} from '../support/calls-in-trouble.ts';
import type { Blow, Fight } from '../support/calls-in-trouble.ts';
import { emptyJournal } from '../support/dialects.ts';
import type { Dialect } from '../support/dialects.ts';
import { allEvents } from '../support/facts.ts';

const settledIn = (events: readonly PerdureEvent[]) =>
  events.flatMap((event) => (event.type === 'tool.settled' ? [event.data] : []));

/** Every call that the model made has one result, and it is the one that whoever gave it was told to count. */
async function expectOneResult(journal: Journal, { sessionId, calls, told }: Fight): Promise<void> {
  const events = await allEvents(journal, sessionId);
  const settled = settledIn(events);
  const ids = calls.map(({ callId }) => callId);
  expect(settled.map(({ callId }) => callId).toSorted()).toEqual(ids.toSorted());
  const rows = await journal.events.transcript(sessionId);
  for (const { callId, effect, approval } of calls) {
    const event = settled.find((data) => data.callId === callId)!;
    const { callId: _, name: _name, ...settlement } = event;
    const found = rows.filter((row) => row.role === 'tool' && row.callId === callId);
    expect(found).toMatchObject([{ settlement }]);
    expect(await journal.ledger.get(callId)).toMatchObject({
      state: 'settled',
      outcome: event.outcome,
    });
    const note = told.get(callId)!;
    for (const result of note.results) expect(settlement).toEqual(result);
    if (event.outcome === 'completed') expect(note.results).not.toEqual([]);
    if (approval && note.began.size + note.holders.size > 0) expect(note.approved).toBe(true);
    // Each but one attempt knows that it is not the first; and a call that must not run twice is given to nobody else.
    expect(note.first.size).toBe(Math.min(1, note.began.size));
    if (effect === 'never-retry') expect(note.holders.size).toBeLessThanOrEqual(1);
    const own = events.filter(({ data }) => (data as { callId?: string }).callId === callId);
    const order = own.map(({ type }) => type).filter((type) => type !== 'tool.progress');
    expect(order[0]).toBe('tool.requested');
    expect(order.filter((type) => type === 'tool.settled')).toHaveLength(1);
    expect(order.at(-1)).toBe('tool.settled');
  }
  const open = await journal.approvals.list(
    { tenant: 'acme', sessionId, state: 'open' },
    { limit: 99 },
  );
  expect(open.items).toEqual([]);
}

/** The next request: behind each call one result. */
async function expectWellFormed(journal: Journal, { sessionId }: Fight): Promise<void> {
  const rows = await journal.events.transcript(sessionId);
  const messages = toModelMessages(rows, { provider: 'p', images: new Map() });
  const parts = messages.flatMap(({ content }) =>
    typeof content === 'string' ? [] : (content as { type: string; toolCallId?: string }[]),
  );
  const of = (wanted: string) =>
    parts.filter(({ type }) => type === wanted).map(({ toolCallId }) => toolCallId);
  expect(of('tool-result')).toEqual(of('tool-call'));
}

const blow = (troubles: readonly Blow['trouble'][]) =>
  fc.record({
    trouble: fc.constantFrom(...troubles),
    call: fc.nat({ max: 3 }),
    who: fc.nat({ max: 1 }),
    passMs: fc.constantFrom(0, 0, 0, 1, 16_000, 61_000),
  });

/** Which kinds of calls: in each run there is one that may be claimed once. */
const chosen = fc
  .tuple(fc.constantFrom(...CLAIMED_ONCE), fc.array(fc.nat({ max: KINDS - 1 }), { maxLength: 3 }))
  .map(([once, others]) => [once, ...others]);

/** Rounds of what happens at once; the turn ends in one of them, or after all. */
const rounds = fc
  .array(fc.array(blow(TROUBLES), { minLength: 1, maxLength: 4 }), { minLength: 4, maxLength: 16 })
  .chain((all) =>
    fc
      .record({ at: fc.nat({ max: all.length * 2 }), end: blow(ENDS) })
      .map(({ at, end }) => all.map((round, index) => (index === at ? [...round, end] : round))),
  );

export const oneResultConformance = (dialect: Dialect) =>
  describe('a call that a model made', () => {
    test('has exactly one result, whoever settles, interrupts, decides, expires or comes late, and in whatever order', async () => {
      let now = Date.now();
      await using opened = await emptyJournal(dialect, () => now);
      const { journal, database } = opened;
      // Another process on the same database, where there may be one.
      await using others = new AsyncDisposableStack();
      const journals = [journal];
      if (dialect.name === 'postgres')
        journals.push(others.adopt(await database.open(() => now), (other) => other.close()));
      await fc.assert(
        fc.asyncProperty(chosen, rounds, async (kinds, all) => {
          const calls = await fight(journals, kinds);
          for (const round of all) {
            now += Math.max(...round.map(({ passMs }) => passMs));
            await Promise.all(round.map((one) => calls.strike(one)));
            const settled = settledIn(await allEvents(journal, calls.sessionId));
            expect(new Set(settled.map(({ callId }) => callId)).size).toBe(settled.length);
            await expectWellFormed(journal, calls);
            const before = now;
            now += LEASE_MS;
            expect(await calls.claimAgain()).toEqual([]);
            // Nothing was written, so nobody saw that time.
            now = before;
          }
          await calls.seal();
          await expectOneResult(journal, calls);
          await expectWellFormed(journal, calls);
        }),
        { numRuns: 40 },
      );
    });
  });
