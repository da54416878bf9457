// Sessions on the real journal whose calls end in every way there is, in an order that chance makes: each call has one result, and the turn one end.
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { NativeConnection } from '@temporalio/worker';
import * as fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { approvalIdOf } from '../../contracts/approvals.ts';
import type { ToolInput } from '../../contracts/activities.ts';
import { newId } from '../../contracts/ids.ts';
import type { Journal, RequestedCall } from '../../journal/port.ts';
import { AttemptClosed } from '../../journal/port.ts';
import { approvalDecision } from '../../workflows/session/messages.ts';
import { freePort } from '../../servers/child.ts';
import { startDevServer } from '../../servers/dev-server.ts';
import { sqlite, type Database } from '../journal/support/dialects.ts';
import { quietTemporal } from '../support/quiet-temporal.ts';
import { SEARCH_ATTRIBUTES } from '../support/search-attributes.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { fenceHere, journaledSession, says } from './support/journaled-world.ts';
import { eventually, SessionKit } from './support/session-kit.ts';

let journal: Journal;
let kit: SessionKit;
const started = new AsyncDisposableStack();
beforeAll(async () => {
  quietTemporal();
  const database: Database = started.use(await sqlite.database());
  journal = started.adopt(await database.open(), (open) => open.close());
  // A server of its own: on the shared one other tests' workers would take the calls.
  const { address } = started.use(
    await startDevServer({
      port: await freePort(),
      searchAttributes: SEARCH_ATTRIBUTES,
      logFile: join(started.use(await temporaryFolder()).path, 'temporal.log'),
    }),
  );
  const connection = started.adopt(await Connection.connect({ address }), (open) => open.close());
  const native = started.adopt(await NativeConnection.connect({ address }), (open) => open.close());
  kit = started.use(await SessionKit.on(new Client({ connection }), native));
}, 240_000);
afterAll(() => started.disposeAsync(), 240_000);

/** Real time: whether a limit or somebody's word comes first is left to chance. */
const UNCLAIMED_MS = 1_500;
const CLAIMED_MS = 1_000;
const UNDECIDED_MS = 1_000;

const RUNS = ['ends', 'fails', 'is lost', 'is lost before', 'lasts'] as const;
const LASTS_MS = 700;
const HAPPENINGS = [
  'answer',
  'answer without a signal',
  'claim',
  'approve',
  'reject',
  'time passes',
  'interrupt',
  'interrupting message',
  'stop',
] as const;

const call = fc.record({
  mode: fc.constantFrom('worker', 'mcp', 'client', 'remote'),
  effect: fc.constantFrom('read', 'keyed', 'never-retry'),
  asked: fc.boolean(),
  run: fc.constantFrom(...RUNS),
});
const happening = fc.record({
  what: fc.constantFrom(...HAPPENINGS.slice(0, 6), ...HAPPENINGS),
  call: fc.nat({ max: 2 }),
  /** Before it. */
  afterMs: fc.constantFrom(0, 0, 30, 150),
});
const scenario = fc.record({
  calls: fc.array(call, { minLength: 1, maxLength: 3 }),
  happenings: fc.array(happening, { minLength: 1, maxLength: 7 }),
});
type Scenario = typeof scenario extends fc.Arbitrary<infer S> ? S : never;

const requested = ({ mode, effect, asked }: Scenario['calls'][number]): RequestedCall => ({
  callId: newId('call'),
  name: 'act',
  ...{ mode, effect },
  timeoutMs: CLAIMED_MS,
  arguments: '{}',
  ...(asked && { approval: { inputSchema: { type: 'object' }, rule: 'r', waitMs: UNDECIDED_MS } }),
});

const DONE = { outcome: 'completed', result: 'done' } as const;

/** As a worker executes a call, or dies of it. */
function executes(calls: readonly RequestedCall[], runs: readonly (typeof RUNS)[number][]) {
  return async (input: ToolInput): Promise<void> => {
    const run = runs[calls.findIndex(({ callId }) => callId === input.callId)];
    if (run === 'is lost before') throw ApplicationFailure.nonRetryable('it never began');
    const fence = fenceHere();
    const begun = await journal.ledger.begin(input, fence);
    if (begun.state !== 'begun') return;
    if (run === 'lasts') await new Promise((resolve) => setTimeout(resolve, LASTS_MS));
    if (run === 'is lost') throw ApplicationFailure.nonRetryable('its worker went away');
    const error = { code: 'tool_failed', message: 'no', retryable: false } as const;
    await journal.ledger
      .finish(input.callId, fence, run === 'fails' ? { outcome: 'failed', error } : DONE)
      .catch((refusal: unknown) => {
        if (!(refusal instanceof AttemptClosed)) throw refusal;
      });
  };
}

async function play({ calls: kinds, happenings }: Scenario): Promise<void> {
  const calls = kinds.map(requested);
  const accepted = new Map<string, unknown>();
  const { session, events, world, turn } = await journaledSession(
    { kit, journal },
    [says('let me act', calls)],
    { limits: { toolClaimMs: UNCLAIMED_MS } },
  );
  const runs = kinds.map(({ run }) => run);
  world.executing = executes(calls, runs);
  const { handle, sessionId } = session;
  await eventually(async () => (await journal.ledger.get(calls[0]!.callId)) !== undefined, 'calls');
  const signal = (name: string, said: object = {}) =>
    handle.signal(name, said).catch(() => undefined);
  const answer = async ({ callId }: RequestedCall) => {
    const { holder } = (await journal.ledger.get(callId))!;
    const result = `answered ${accepted.size}`;
    const settlement = { outcome: 'completed', result } as const;
    const verdict = await journal.ledger.answer(callId, settlement, holder ?? undefined);
    if (verdict === 'accepted') accepted.set(callId, settlement);
  };
  const decide = ({ callId, approval }: RequestedCall, decision: object) => {
    if (!approval) return undefined;
    const approvalId = approvalIdOf(sessionId, callId, '{}');
    const request = { turn, step: 1, callId, approvalId, decision, by: 'ann' };
    // Where it comes too late it is refused, and where the session is over there is nobody to ask.
    return handle
      .executeUpdate(approvalDecision, { args: [request as never] })
      .catch(() => undefined);
  };
  const happens = (which: RequestedCall): Record<(typeof HAPPENINGS)[number], () => unknown> => ({
    answer: async () => {
      await answer(which);
      await signal('toolResult', { callId: which.callId });
    },
    'answer without a signal': () => answer(which),
    claim: () => journal.ledger.lease(which.callId, { holder: 'somebody', leaseMs: 15_000 }),
    approve: () => decide(which, { decision: 'approve' }),
    reject: () => decide(which, { decision: 'reject' }),
    'time passes': () => new Promise((resolve) => setTimeout(resolve, UNDECIDED_MS)),
    interrupt: () => signal('interruptTurn'),
    'interrupting message': () => session.send('interrupt').catch(() => undefined),
    stop: () => signal('stopSession'),
  });
  for (const { what, call: index, afterMs } of happenings) {
    await new Promise((resolve) => setTimeout(resolve, afterMs));
    await happens(calls[index % calls.length]!)[what]();
  }
  await signal('stopSession');
  await handle.result();
  for (const late of calls) await answer(late);
  const log = await events();
  const settled = log.flatMap(({ type, data }) => (type === 'tool.settled' ? [data] : []));
  expect(settled.map(({ callId }) => callId).toSorted()).toEqual(
    calls.map(({ callId }) => callId).toSorted(),
  );
  for (const [callId, settlement] of accepted)
    expect(settled.find((data) => data.callId === callId)).toMatchObject(settlement as object);
  const rows = (await journal.events.transcript(sessionId)).filter(({ role }) => role === 'tool');
  expect(rows.map(({ id }) => id).toSorted()).toEqual(calls.map(({ callId }) => callId).toSorted());
  const ends = log.filter((event) => event.type === 'turn.settled' && event.turn === turn);
  expect(ends).toHaveLength(1);
  const filter = { tenant: 'acme', sessionId, state: 'open' } as const;
  expect((await journal.approvals.list(filter, { limit: 9 })).items).toEqual([]);
}

test('each call of a turn has exactly one result, and the turn one end, however they end and whatever comes too late', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(scenario, { minLength: 8, maxLength: 8 }), async (scenarios) => {
      await Promise.all(scenarios.map(play));
    }),
    // Each of them takes seconds, and so would each try to make it smaller.
    { numRuns: 5, endOnFailure: true },
  );
});
