import { createHash, randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { newId } from '../../../contracts/ids.ts';
import { INLINE_BYTES } from '../../../contracts/limits.ts';
import type { AuditFilter, PageRequest } from '../../../journal/port.ts';
import { emptyJournal } from '../support/dialects.ts';
import type { Dialect } from '../support/dialects.ts';
import { journalWithStep } from '../support/step.ts';
import { allEvents, answer, asksFor, openStep, OWNER, toolCall } from '../support/facts.ts';

const OTHER = { tenant: 'other', user: 'ada' };

export const shelvesConformance = (dialect: Dialect) =>
  describe('artifacts, contexts, keys and the audit', () => {
    test('artifacts are found by the hash of their bytes, by their own tenant only', async () => {
      await using opened = await emptyJournal(dialect);
      const { artifacts } = opened.journal;
      const bytes = randomBytes(1_000);
      const ref = await artifacts.put(OWNER, bytes, { mediaType: 'image/png', name: 'a.png' });
      expect(ref).toEqual({
        artifact: `sha256_${createHash('sha256').update(bytes).digest('hex')}`,
        mediaType: 'image/png',
        bytes: 1_000,
        name: 'a.png',
      });
      await artifacts.put(OWNER, bytes, { mediaType: 'text/plain', name: 'b.txt' });
      const found = await artifacts.get(OWNER.tenant, ref.artifact);
      expect(found!.ref).toEqual(ref);
      expect(Buffer.from(found!.bytes).equals(bytes)).toBe(true);
      expect(await artifacts.get('other', ref.artifact)).toBeUndefined();
      expect(await artifacts.stat(OWNER.tenant, ref.artifact)).toEqual(ref);
      expect(await artifacts.stat('other', ref.artifact)).toBeUndefined();
      const unnamed = await artifacts.put(OTHER, bytes, { mediaType: 'image/png' });
      expect((await artifacts.get('other', ref.artifact))!.ref).toEqual(unnamed);
    });

    test('content over 32 KiB stands in events as a reference, in the transcript in full', async () => {
      await using opened = await journalWithStep(dialect);
      const { journal, sessionId, attempt } = opened;
      const words = 'é'.repeat(INLINE_BYTES / 2 + 1);
      await journal.steps.finish(attempt, answer(words));
      const event = (await allEvents(journal, sessionId)).find(
        ({ type }) => type === 'content.completed',
      );
      const data = event!.data as { artifact: { artifact: string } };
      expect(data).toEqual({
        kind: 'text',
        artifact: {
          artifact: expect.any(String),
          mediaType: 'text/plain',
          bytes: INLINE_BYTES + 2,
        },
      });
      const { bytes } = (await journal.artifacts.get(OWNER.tenant, data.artifact.artifact))!;
      expect(Buffer.from(bytes).toString()).toBe(words);
      expect((await journal.events.transcript(sessionId)).at(-1)).toMatchObject({
        content: [{ text: words }],
      });
    });

    test('so do a tool’s large arguments and result', async () => {
      await using opened = await journalWithStep(dialect);
      const { journal, sessionId, attempt } = opened;
      const large = 'x'.repeat(INLINE_BYTES);
      const settlements = [
        { outcome: 'completed' as const, result: { large } },
        { outcome: 'completed' as const },
      ];
      const calls = settlements.map((settlement) =>
        toolCall({ mode: 'worker', arguments: JSON.stringify({ large }), settlement }),
      );
      await journal.steps.finish(attempt, asksFor(...calls));
      const events = (await allEvents(journal, sessionId)).slice(-4);
      const artifact = { mediaType: 'application/json', bytes: INLINE_BYTES + 12 };
      expect(events).toMatchObject([
        { data: { artifact } },
        { data: { artifact } },
        { data: { artifact } },
        { data: { outcome: 'completed' } },
      ]);
      expect(events.some(({ data }) => 'arguments' in data || 'result' in data)).toBe(false);
    });

    test('a result whose file is stored already keeps it in its event, however many bytes its preview has', async () => {
      await using opened = await journalWithStep(dialect);
      const { journal, sessionId, attempt } = opened;
      const mediaType = 'text/plain';
      const artifact = await journal.artifacts.put(OWNER, Buffer.from('the result'), { mediaType });
      // As many characters as a preview may have, of three bytes each.
      const result = '結'.repeat(20_000);
      const call = toolCall({ settlement: { outcome: 'completed', result, artifact } });
      await journal.steps.finish(attempt, asksFor(call));
      const event = (await allEvents(journal, sessionId)).at(-1);
      expect(event?.data).toMatchObject({ outcome: 'completed', artifact });
      expect(Buffer.byteLength(JSON.stringify(event))).toBeLessThan(INLINE_BYTES);
      expect((await journal.events.transcript(sessionId)).at(-1)).toMatchObject({
        settlement: { result, artifact },
      });
    });

    test('content near the limit is measured in bytes', async () => {
      await using opened = await journalWithStep(dialect);
      const { journal, sessionId, attempt } = opened;
      const words = 'x'.repeat(INLINE_BYTES);
      const { events, ...rest } = answer(words);
      const referred = {
        type: 'content.completed' as const,
        data: {
          kind: 'reasoning' as const,
          artifact: await journal.artifacts.put(OWNER, Buffer.from('r'), {
            mediaType: 'text/plain',
          }),
        },
      };
      const bare = {
        type: 'tool.requested' as const,
        data: {
          callId: newId('call'),
          name: 'n',
          mode: 'worker' as const,
          effect: 'read' as const,
        },
      };
      await journal.steps.finish(attempt, { ...rest, events: [referred, bare, ...events] });
      const found = await allEvents(journal, sessionId);
      expect(
        found.filter(({ type }) => type === 'content.completed').map(({ data }) => data),
      ).toEqual([referred.data, { kind: 'text', text: words }]);
    });

    test('a context remembers its active session and tells its owner of changes', async () => {
      await using opened = await emptyJournal(dialect);
      const { contexts } = opened.journal;
      const stop = new AbortController();
      const changes = contexts.changes(OWNER, stop.signal)[Symbol.asyncIterator]();
      const first = changes.next();
      expect(await contexts.get(OWNER, 'window')).toBeUndefined();
      await contexts.set(OTHER, 'window', newId('ses'));
      const sessionId = newId('ses');
      const row = await contexts.set(OWNER, 'window', sessionId);
      expect(row).toEqual({
        ...OWNER,
        context: 'window',
        sessionId,
        updatedAt: expect.any(String),
      });
      expect(await first).toEqual({ done: false, value: row });
      const cleared = await contexts.set(OWNER, 'window', null);
      expect(await contexts.get(OWNER, 'window')).toEqual(cleared);
      expect(await contexts.list(OWNER)).toEqual([cleared]);
      expect((await changes.next()).value).toEqual(cleared);
      const ended = changes.next();
      stop.abort();
      expect((await ended).done).toBe(true);
    });

    test('keys are found by their hash, revoked once, and remember when they were used', async () => {
      let now = Date.now();
      await using opened = await emptyJournal(dialect, () => now);
      const { keys } = opened.journal;
      const key = { ...OWNER, keyId: newId('key'), role: 'user' as const, label: 'laptop' };
      expect(await keys.count()).toBe(0);
      const row = await keys.insert(key, 'hash');
      expect(row).toEqual({
        ...key,
        createdAt: new Date(now).toISOString(),
        revokedAt: null,
        lastUsedAt: null,
      });
      await expect(keys.insert({ ...key, keyId: newId('key') }, 'hash')).rejects.toMatchObject({
        code: 'invalid_input',
      });
      expect(await keys.findByHash('hash')).toMatchObject(key);
      const used = new Date(now).toISOString();
      now += 59_000;
      await keys.findByHash('hash');
      expect((await keys.list(OWNER.tenant))[0]).toMatchObject({ lastUsedAt: used });
      now += 1_000;
      await keys.findByHash('hash');
      expect((await keys.list())[0]).toMatchObject({ lastUsedAt: new Date(now).toISOString() });
      expect(await keys.list('other')).toEqual([]);
      const unknown = newId('key');
      expect(await keys.valid([key.keyId, unknown])).toEqual(new Set([key.keyId]));
      expect(await keys.revoke(key.keyId, 'other')).toBeUndefined();
      expect(await keys.revoke(key.keyId, OWNER.tenant)).toMatchObject(key);
      expect(await keys.revoke(key.keyId)).toBeUndefined();
      expect(await keys.valid([key.keyId, unknown])).toEqual(new Set());
      expect(await keys.findByHash('hash')).toMatchObject({
        revokedAt: new Date(now).toISOString(),
      });
      expect(await keys.findByHash('no')).toBeUndefined();
      expect(await keys.count()).toBe(0);
    });

    test('the audit is listed newest first: all of it, a tenant’s, that and what is nobody’s, or one action', async () => {
      await using opened = await emptyJournal(dialect);
      const { audit } = opened.journal;
      const written = [
        ['acme', 'key.created'],
        [null, 'auth.refused'],
        ['acme', 'key.revoked'],
        ['other', 'key.created'],
      ] as const;
      for (const [index, [tenant, action]] of written.entries())
        await audit.write({ tenant, user: null, action, subject: 's', details: { index } });
      const indexes = async (
        filter: AuditFilter,
        page: PageRequest = { limit: 9 },
      ): Promise<unknown[]> =>
        (await audit.list(filter, page)).items.map(({ details }) => details['index']);
      const first = await audit.list({}, { limit: 3 });
      expect(first.items.map(({ action }) => action)).toEqual([
        'key.created',
        'key.revoked',
        'auth.refused',
      ]);
      const second = await audit.list({}, { limit: 3, cursor: first.nextCursor! });
      expect(second).toEqual({
        items: [
          {
            at: expect.any(String),
            tenant: 'acme',
            user: null,
            action: 'key.created',
            subject: 's',
            details: { index: 0 },
          },
        ],
        nextCursor: null,
      });
      expect(await indexes({ tenant: 'acme' })).toEqual([2, 0]);
      expect(await indexes({ tenant: 'acme', orNone: true })).toEqual([2, 1, 0]);
      expect(await indexes({ action: 'key.created' })).toEqual([3, 0]);
      expect(await indexes({ tenant: 'other', action: 'key.revoked' })).toEqual([]);
    });

    test('a ping answers while the journal is open, and everything is refused once it is closed', async () => {
      await using database = await dialect.database();
      const journal = await database.open();
      expect(journal.dialect).toBe(dialect.name);
      const { attempt, sessionId } = await openStep(journal);
      await journal.ping();
      await journal.close();
      await expect(journal.ping()).rejects.toMatchObject({ code: 'journal_unavailable' });
      await expect(journal.sessions.get(sessionId)).rejects.toMatchObject({
        code: 'journal_unavailable',
      });
      await expect(journal.steps.append(attempt, [])).rejects.toMatchObject({
        code: 'journal_unavailable',
      });
    });
  });
