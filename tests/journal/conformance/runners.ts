import { describe, expect, test } from 'vitest';
import { newId } from '../../../contracts/ids.ts';
import type { CallId } from '../../../contracts/ids.ts';
import type { RegisterRunner } from '../../../contracts/runners.ts';
import type { ToolSettlement } from '../../../contracts/tools.ts';
import type { RequestedCall } from '../../../journal/port.ts';
import { emptyJournal } from '../support/dialects.ts';
import type { Dialect } from '../support/dialects.ts';
import { allEvents, openCalls, OWNER, sealOf, toolCall } from '../support/facts.ts';

const DONE: ToolSettlement = { outcome: 'completed', result: 'done' };
const OTHER: ToolSettlement = { outcome: 'completed', result: 'other' };
const LEASE = 15_000;
const COLLEAGUE = { tenant: OWNER.tenant, user: 'bob' };

const runner = (change: Partial<RegisterRunner> = {}): RegisterRunner => ({
  name: 'laptop',
  instance: newId('run'),
  labels: { os: 'linux' },
  workdir: '/home/ada/project',
  tools: [
    { name: 'read_file', description: 'Reads.', inputSchema: { type: 'object' }, effect: 'read' },
  ],
  version: '1',
  ...change,
});

const remote = (change: Partial<RequestedCall> = {}): RequestedCall =>
  toolCall({ mode: 'remote', runner: { name: 'laptop' }, ...change });

export const runnersConformance = (dialect: Dialect) =>
  describe('remote runners', () => {
    test('one is found by its owner and name, whatever process it is, and what it offered last counts', async () => {
      let now = Date.now();
      await using opened = await emptyJournal(dialect, () => now);
      const { runners } = opened.journal;
      const first = runner();
      const { row, before } = await runners.register(OWNER, first);
      expect(before).toBeNull();
      expect(row).toEqual({
        ...first,
        ...OWNER,
        runnerId: expect.stringMatching(/^run_/),
        shared: false,
        registeredAt: new Date(now).toISOString(),
        lastSeenAt: new Date(now).toISOString(),
        gone: false,
      });
      await runners.share(row.runnerId, true);
      now += 1_000;
      const second = runner({ labels: {}, tools: [] });
      expect(await runners.register(OWNER, second)).toMatchObject({
        before: first.instance,
        row: { runnerId: row.runnerId, shared: true, labels: {}, tools: [] },
      });
      expect(await runners.seen(row.runnerId, first.instance)).toBeUndefined();
      now += 1_000;
      const seen = await runners.seen(row.runnerId, second.instance);
      expect(seen).toMatchObject({ lastSeenAt: new Date(now).toISOString() });
      expect(await runners.get(row.runnerId)).toEqual(seen);
      const { row: theirs } = await runners.register(COLLEAGUE, runner());
      expect(theirs.runnerId).not.toBe(row.runnerId);
      expect(await runners.remove(row.runnerId)).toBe(true);
      expect(await runners.remove(row.runnerId)).toBe(false);
      expect(await runners.get(row.runnerId)).toBeUndefined();
      expect(await runners.share(row.runnerId, true)).toBeUndefined();
    });

    test('one that left stays registered, and is gone until it is heard of; the process before it cannot sign it off', async () => {
      let now = Date.now();
      await using opened = await emptyJournal(dialect, () => now);
      const { runners } = opened.journal;
      const [first, second] = [runner(), runner()];
      const { row } = await runners.register(OWNER, first);
      now += 1_000;
      const left = { ...row, gone: true, lastSeenAt: new Date(now).toISOString() };
      expect(await runners.left(row.runnerId, first.instance)).toEqual(left);
      expect(await runners.list(OWNER)).toEqual([left]);
      expect(await runners.selected(OWNER, { name: row.name })).toEqual([left]);
      expect(await runners.seen(row.runnerId, first.instance)).toMatchObject({ gone: false });
      await runners.left(row.runnerId, first.instance);
      const { row: successor } = await runners.register(OWNER, second);
      expect(successor.gone).toBe(false);
      expect(await runners.left(row.runnerId, first.instance)).toBeUndefined();
      expect(await runners.get(row.runnerId)).toEqual(successor);
    });

    test('a session finds its user’s own ones by name or labels, then those that are shared, and nobody else’s', async () => {
      let now = Date.now();
      await using opened = await emptyJournal(dialect, () => now);
      const { runners } = opened.journal;
      const add = async (owner: typeof OWNER, change: Partial<RegisterRunner>) => {
        now += 1_000;
        return (await runners.register(owner, runner(change))).row;
      };
      const older = await add(OWNER, { name: 'older', labels: { os: 'linux', gpu: 'yes' } });
      const newer = await add(OWNER, { name: 'newer' });
      const shared = await add(COLLEAGUE, { name: 'shared' });
      await add(COLLEAGUE, { name: 'private' });
      await add({ tenant: 'other', user: OWNER.user }, { name: 'older' });
      await runners.share(shared.runnerId, true);
      const found = async (selector: object) =>
        (await runners.selected(OWNER, selector)).map(({ runnerId }) => runnerId);
      expect(await found({ name: 'older' })).toEqual([older.runnerId]);
      expect(await found({ name: 'private' })).toEqual([]);
      expect(await found({ name: 'shared' })).toEqual([shared.runnerId]);
      expect(await found({ labels: { os: 'linux' } })).toEqual([
        newer.runnerId,
        older.runnerId,
        shared.runnerId,
      ]);
      expect(await found({ labels: { os: 'linux', gpu: 'yes' } })).toEqual([older.runnerId]);
      const named = async (owner: object) =>
        (await runners.list({ tenant: OWNER.tenant, ...owner })).map(({ name }) => name);
      expect(await named({ user: OWNER.user })).toEqual(['newer', 'older', 'shared']);
      expect(await named({})).toEqual(['newer', 'older', 'private', 'shared']);
    });

    test('a remote call takes its result from the holder of its claim only', async () => {
      let now = Date.now();
      await using opened = await emptyJournal(dialect, () => now);
      const { ledger } = opened.journal;
      const [read, free] = [remote({ effect: 'read' }), remote()];
      const { sessionId } = await openCalls(opened.journal, read, free);
      expect(await ledger.get(read.callId)).toMatchObject({
        mode: 'remote',
        state: 'offered',
        runner: { name: 'laptop' },
        attempts: 0,
      });
      expect(await ledger.answer(free.callId, DONE)).toBe('late');
      expect(await ledger.answer(free.callId, DONE, 'one')).toBe('late');
      expect(await ledger.lease(read.callId, { holder: 'one', leaseMs: LEASE })).toMatchObject({
        attempts: 1,
      });
      now += LEASE;
      expect(await ledger.lease(read.callId, { holder: 'two', leaseMs: LEASE })).toMatchObject({
        attempts: 2,
      });
      expect(await ledger.lease(read.callId, { holder: 'two', leaseMs: LEASE })).toMatchObject({
        attempts: 2,
      });
      expect(await ledger.answer(read.callId, OTHER, 'one')).toBe('late');
      expect(await ledger.answer(read.callId, DONE, 'two')).toBe('accepted');
      expect(await ledger.answer(read.callId, DONE, 'two')).toBe('repeated');
      expect(await ledger.answer(read.callId, OTHER, 'one')).toBe('duplicate');
      expect((await allEvents(opened.journal, sessionId)).map(({ type }) => type)).not.toContain(
        'tool.settled',
      );
    });

    test('a call that may run again is claimed as often as said, then fails in words; a claim that is renewed counts once', async () => {
      let now = Date.now();
      await using opened = await emptyJournal(dialect, () => now);
      const { ledger } = opened.journal;
      const [read, keyed] = [remote({ effect: 'read' }), remote({ effect: 'keyed' })];
      const { sessionId, turn } = await openCalls(opened.journal, read, keyed);
      const claim = (callId: CallId, holder: string) =>
        ledger.lease(callId, { holder, leaseMs: LEASE, attempts: 3 });
      for (const { callId } of [read, keyed]) {
        for (const [index, holder] of ['one', 'two', 'one'].entries()) {
          expect(await claim(callId, holder)).toMatchObject({ attempts: index + 1 });
          expect(await claim(callId, holder)).toMatchObject({ attempts: index + 1 });
          now += LEASE;
        }
        // Nobody else asks: it is still the last one's.
        expect(await claim(callId, 'one')).toMatchObject({ attempts: 3 });
        expect(await claim(callId, 'two')).toBeUndefined();
        expect(await ledger.get(callId)).toMatchObject({ state: 'leased' });
        now += LEASE;
        expect(await claim(callId, 'two')).toBeUndefined();
        expect(await ledger.get(callId)).toMatchObject({ state: 'answered' });
        expect(await ledger.answer(callId, DONE, 'one')).toBe('duplicate');
        await ledger.settle({ sessionId, turn, step: 1, callId, giveUp: false });
      }
      const said = ({ name }: RequestedCall, doubt = '') => ({
        outcome: 'failed',
        error: {
          code: 'runner_lost',
          message: `${name} was claimed 3 times, and each runner went away without a result: it is given to no other.${doubt}`,
        },
      });
      const settled = (await allEvents(opened.journal, sessionId)).slice(-1);
      expect(settled[0]?.data).toMatchObject(said(keyed, ' It may or may not have taken effect.'));
      const first = (await allEvents(opened.journal, sessionId)).find(
        ({ type }) => type === 'tool.settled',
      );
      expect(first?.data).toMatchObject(said(read));
    });

    test('a result that comes after the lease, before anybody else claimed the call, counts', async () => {
      let now = Date.now();
      await using opened = await emptyJournal(dialect, () => now);
      const { ledger } = opened.journal;
      const [read, never] = [remote({ effect: 'read' }), remote({ effect: 'never-retry' })];
      await openCalls(opened.journal, read, never);
      for (const { callId } of [read, never])
        await ledger.lease(callId, { holder: 'one', leaseMs: LEASE });
      now += LEASE + 1;
      expect(await ledger.lease(never.callId, { holder: 'two', leaseMs: LEASE })).toBeUndefined();
      for (const { callId } of [read, never])
        expect(await ledger.answer(callId, DONE, 'one')).toBe('accepted');
    });

    test('a call whose runner went away for good says so: lost where it may run again, unknown where it may have taken effect', async () => {
      let now = Date.now();
      await using opened = await emptyJournal(dialect, () => now);
      const { ledger } = opened.journal;
      const [read, never, slow] = [
        remote({ effect: 'read' }),
        remote({ effect: 'never-retry' }),
        remote({ effect: 'read' }),
      ];
      const { sessionId, turn } = await openCalls(opened.journal, read, never, slow);
      for (const { callId } of [read, never, slow])
        await ledger.lease(callId, { holder: 'one', leaseMs: LEASE });
      now += 50_000;
      await ledger.lease(slow.callId, { holder: 'one', leaseMs: LEASE });
      now += 10_000;
      for (const { callId } of [read, never, slow])
        await ledger.settle({ sessionId, turn, step: 1, callId, giveUp: false });
      const settled = (await allEvents(opened.journal, sessionId)).slice(-3);
      expect(settled.map(({ data }) => data)).toMatchObject([
        { outcome: 'timed_out', error: { code: 'runner_lost' } },
        { outcome: 'unknown', error: { code: 'tool_outcome_unknown' } },
        { outcome: 'timed_out', error: { code: 'tool_timeout' } },
      ]);
    });

    test('open remote calls are listed with whether they may be claimed, by tenant or by session', async () => {
      let now = Date.now();
      await using opened = await emptyJournal(dialect, () => now);
      const { ledger } = opened.journal;
      const [read, never, waiting] = [
        remote({ effect: 'read' }),
        remote({ effect: 'never-retry' }),
        remote(),
      ];
      const { sessionId } = await openCalls(opened.journal, read, never, toolCall());
      now += 10;
      await openCalls(opened.journal, waiting);
      const listed = async (filter: object) =>
        Object.fromEntries(
          (await ledger.remote(filter, 10)).map(({ callId, claimable }) => [callId, claimable]),
        );
      for (const { callId } of [read, never])
        await ledger.lease(callId, { holder: 'one', leaseMs: LEASE });
      const claimed = { [read.callId]: false, [never.callId]: false };
      expect(await listed({ sessionIds: [sessionId] })).toEqual(claimed);
      expect(await listed({ tenants: ['other'] })).toEqual({});
      now += LEASE;
      expect(await listed({ tenants: ['other', OWNER.tenant] })).toEqual({
        [read.callId]: true,
        [never.callId]: false,
        [waiting.callId]: true,
      });
    });

    test('whoever serves runners hears of each session whose remote calls change, and of no other', async () => {
      await using opened = await emptyJournal(dialect);
      const { journal } = opened;
      const stop = new AbortController();
      const heard: unknown[] = [];
      const hearing = (async () => {
        for await (const sessionId of journal.ledger.remoteNews(stop.signal))
          if (sessionId !== null) heard.push(sessionId);
      })();
      const news = async (count: number) => {
        while (heard.length < count) await new Promise((resolve) => setTimeout(resolve, 5));
      };
      await openCalls(journal, toolCall());
      const call = remote();
      const { sessionId, turn } = await openCalls(journal, call);
      await news(1);
      await journal.ledger.lease(call.callId, { holder: 'one', leaseMs: LEASE });
      await news(2);
      // A renewed lease is no news.
      await journal.ledger.lease(call.callId, { holder: 'one', leaseMs: LEASE });
      await journal.steps.seal(sealOf({ sessionId, turn, step: 1 }));
      await news(3);
      expect(heard).toEqual([sessionId, sessionId, sessionId]);
      stop.abort();
      await hearing;
    });
  });
