import { describe, expect, test } from 'vitest';
import { newId } from '../../../contracts/ids.ts';
import type { SessionId } from '../../../contracts/ids.ts';
import { emptyJournal } from '../support/dialects.ts';
import type { Dialect } from '../support/dialects.ts';
import {
  allEvents,
  claimOf,
  claimed,
  createSession,
  newSession,
  OWNER,
  text,
} from '../support/facts.ts';

export const sessionsConformance = (dialect: Dialect) =>
  describe('sessions', () => {
    test('are created once, however often and however concurrently the same request comes', async () => {
      await using opened = await emptyJournal(dialect);
      const { sessions } = opened.journal;
      const tools = [
        {
          name: 'ask',
          description: 'Asks',
          inputSchema: { type: 'object' as const },
          effect: 'keyed' as const,
        },
      ];
      const session = newSession({
        tools,
        title: 'T\u0000\ud800',
        limits: { stepsPerTurn: 3 },
        workspace: '/w',
      });
      const results = await Promise.all(Array.from({ length: 5 }, () => sessions.create(session)));
      expect(results.filter(({ created }) => created)).toHaveLength(1);
      const { digest, title, workspace, limits } = session;
      const row = {
        ...OWNER,
        digest,
        tools,
        title,
        workspace,
        limits,
        state: 'starting',
        lastSeq: 1,
        queued: 0,
        turns: 0,
      };
      for (const result of results) expect(result.row).toMatchObject(row);
      expect(await allEvents(opened.journal, session.sessionId)).toMatchObject([
        { seq: 1, type: 'session.created' },
      ]);
    });

    test.each([{ digest: 'other' }, { tenant: 'other' }, { user: 'eve' }])(
      'refuse an id that was used for another request: %o',
      async (change) => {
        await using opened = await emptyJournal(dialect);
        const { sessions } = opened.journal;
        const session = newSession();
        await sessions.create(session);
        await expect(sessions.create({ ...session, ...change })).rejects.toMatchObject({
          code: 'idempotency_conflict',
        });
      },
    );

    test('are listed newest first, page by page, to whom they belong', async () => {
      await using opened = await emptyJournal(dialect);
      const { sessions, events } = opened.journal;
      const ids: SessionId[] = [];
      for (let i = 0; i < 5; i++)
        ids.unshift(await createSession(opened.journal, { externalId: `old-${i}`, context: 'c' }));
      const other = await createSession(opened.journal, { user: 'eve' });
      await createSession(opened.journal, { tenant: 'other' });
      const filter = { tenant: OWNER.tenant, user: OWNER.user };
      const seen: string[] = [];
      let cursor: string | undefined;
      do {
        const page = await sessions.list(filter, { cursor, limit: 2 });
        seen.push(...page.items.map(({ sessionId }) => sessionId));
        cursor = page.nextCursor ?? undefined;
      } while (cursor);
      expect(seen).toEqual(ids);
      const list = async (more: object) =>
        (await sessions.list({ tenant: OWNER.tenant, ...more }, { limit: 10 })).items.map(
          ({ sessionId }) => sessionId,
        );
      expect(await list({})).toEqual([other, ...ids]);
      expect(await list({ externalId: 'old-4', context: 'c', state: 'starting' })).toEqual([
        ids[0],
      ]);
      expect(await list({ state: 'ended' })).toEqual([]);
      expect(await sessions.count({ ...filter, open: true })).toBe(5);
      await events.record(ids[0]!, [
        { key: 'ended', event: { type: 'session.ended', data: { reason: 'stopped' } } },
      ]);
      expect(await sessions.count({ ...filter, open: true })).toBe(4);
      await expect(sessions.list(filter, { cursor: 'x', limit: 1 })).rejects.toMatchObject({
        code: 'invalid_input',
        field: 'cursor',
      });
    });

    test('are called as their start says, else as their first message begins', async () => {
      await using opened = await emptyJournal(dialect);
      const titles = [];
      for (const title of ['given', null]) {
        const sessionId = await createSession(opened.journal, { title });
        const turn = newId('msg');
        const messages = [{ messageId: turn, content: text('Say it'), policy: 'enqueue' as const }];
        await claimed(opened.journal, claimOf(sessionId, { turn, messages }));
        titles.push((await opened.journal.sessions.get(sessionId))?.title);
      }
      expect(titles).toEqual(['given', 'Say it']);
    });

    test('whose start was left half-way are found, of all tenants, page by page, and no others', async () => {
      let now = Date.now();
      await using opened = await emptyJournal(dialect, () => now);
      const { sessions, events } = opened.journal;
      const [first, second, third] = [
        await createSession(opened.journal, { title: 'kept' }),
        await createSession(opened.journal, { tenant: 'other' }),
        await createSession(opened.journal),
      ];
      const ended = await createSession(opened.journal);
      const running = await createSession(opened.journal);
      await events.record(ended, [
        { key: 'ended', event: { type: 'session.ended', data: { reason: 'stopped' } } },
      ]);
      await events.record(running, [
        { key: 'waiting', event: { type: 'session.state', data: { state: 'waiting' } } },
      ]);
      now += 10_000;
      await createSession(opened.journal);
      now += 5_000;
      const page = await sessions.starting(6_000, { limit: 2 });
      expect(page.items.map(({ sessionId }) => sessionId)).toEqual([third, second]);
      const rest = await sessions.starting(6_000, { limit: 2, cursor: page.nextCursor! });
      expect(rest).toEqual({ items: [await sessions.get(first)], nextCursor: null });
      expect((await sessions.starting(15_001, { limit: 2 })).items).toEqual([]);
    });

    test('are undefined where they do not exist', async () => {
      await using opened = await emptyJournal(dialect);
      expect(await opened.journal.sessions.get(newId('ses'))).toBeUndefined();
      await expect(opened.journal.sessions.rebuild(newId('ses'))).rejects.toMatchObject({
        code: 'not_found',
      });
    });
  });
