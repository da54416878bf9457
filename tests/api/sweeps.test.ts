/** What the sweepers cost Temporal and one another, round by round. No worker runs: nothing that they say has an effect. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import type { ApiDeps } from '../../api/deps.ts';
import { SessionEngine } from '../../api/engine/engine.ts';
import { createApiMetrics } from '../../api/metrics.ts';
import { SessionAccess } from '../../api/sessions/access.ts';
import { halfStarts } from '../../api/sweeps/half-starts.ts';
import { lostRuns } from '../../api/sweeps/lost-runs.ts';
import { lostSignals } from '../../api/sweeps/lost-signals.ts';
import { SESSION_WORKFLOW } from '../../contracts/names.ts';
import { type CallId, type SessionId } from '../../contracts/ids.ts';
import { DEFAULT_SESSION_LIMITS } from '../../contracts/limits.ts';
import { POLICIES } from '../../contracts/policies.ts';
import { PerdureError } from '../../contracts/perdure-error.ts';
import type { Journal } from '../../journal/port.ts';
import { emptyJournal, sqlite } from '../journal/support/dialects.ts';
import { claimed, claimOf, createSession, openCalls, toolCall } from '../journal/support/facts.ts';
import { sharedTemporal, type SharedTemporal } from '../support/dev-server.ts';

const EVERY_MS = 3_000;
const HOUR_MS = 3_600_000;
const DONE = { outcome: 'completed', result: 'done' } as const;

let temporal: SharedTemporal;
let opened: Awaited<ReturnType<typeof emptyJournal>>;
let journal: Journal;
let deps: ApiDeps;
let now: number;
beforeAll(async () => {
  temporal = await sharedTemporal();
});
afterAll(() => temporal[Symbol.asyncDispose]());
beforeEach(async () => {
  now = Date.now();
  opened = await emptyJournal(sqlite, () => now);
  ({ journal } = opened);
  const taskQueue = `sweeps-${randomUUID()}`;
  const { client } = temporal;
  const known = { journal, log: pino({ level: 'silent' }) };
  deps = {
    ...known,
    engine: new SessionEngine({ client, updateMs: 1_000, taskQueue }),
    settings: { policies: POLICIES, limits: DEFAULT_SESSION_LIMITS, api: {}, timeouts: {} },
    catalogue: { agents: {} },
    access: new SessionAccess(journal.sessions),
    metrics: createApiMetrics(new Registry()),
  } as unknown as ApiDeps;
  return () => opened[Symbol.asyncDispose]();
});

/** A session of Temporal's, too, with calls that were answered while nobody told it. */
async function answeredCalls(count: number): Promise<{ sessionId: SessionId; calls: CallId[] }> {
  const calls = Array.from({ length: count }, () => toolCall());
  const { sessionId } = await openCalls(journal, ...calls);
  await temporal.client.workflow.start(SESSION_WORKFLOW, {
    ...{ workflowId: sessionId, taskQueue: `sweeps-${sessionId}`, args: [] },
  });
  for (const { callId } of calls) await journal.ledger.answer(callId, DONE);
  return { sessionId, calls: calls.map(({ callId }) => callId) };
}

/** The calls of which the session's history has been told. */
async function signalsOf(sessionId: SessionId): Promise<CallId[]> {
  const { events } = await temporal.client.workflow.getHandle(sessionId).fetchHistory();
  return (events ?? []).flatMap(({ workflowExecutionSignaledEventAttributes: signal }) => {
    const [said] = signal?.input?.payloads ?? [];
    return said
      ? [(JSON.parse(Buffer.from(said.data!).toString()) as { callId: CallId }).callId]
      : [];
  });
}

/** Temporal answers, but not about this session, as where one of its shards is away. */
function engineWithout(sessionId: SessionId): SessionEngine {
  const about = (asked: SessionId) => {
    if (asked === sessionId) throw new PerdureError('engine_unavailable', 'No answer.');
  };
  const { engine } = deps;
  return {
    async toolResult(asked, callId) {
      about(asked);
      await engine.toolResult(asked, callId);
    },
    async lastRun(asked) {
      about(asked);
      return engine.lastRun(asked);
    },
    async start(request) {
      about(request.start.sessionId);
      return engine.start(request);
    },
  } satisfies Partial<SessionEngine> as unknown as SessionEngine;
}

async function sweepFor(sweep: () => Promise<void>, ms: number): Promise<void> {
  for (const end = now + ms; now < end; now += EVERY_MS) await sweep();
}

test('where no worker settles a call, its session is told of it ever more rarely', async () => {
  const { sessionId, calls } = await answeredCalls(1);
  now += EVERY_MS;
  const sweep = lostSignals(deps, () => now);
  await sweepFor(sweep, 60_000);
  // At once, and after 3, 6, 12 and 24 s.
  expect(await signalsOf(sessionId)).toEqual(Array.from({ length: 5 }, () => calls[0]));
  await sweepFor(sweep, HOUR_MS);
  const { length } = await signalsOf(sessionId);
  expect(length).toBeLessThan(5 + 3 + HOUR_MS / (5 * 60_000));
  await sweepFor(sweep, HOUR_MS);
  const anHourLater = (await signalsOf(sessionId)).length - length;
  expect(anHourLater).toBeGreaterThanOrEqual(11);
  expect(anHourLater).toBeLessThanOrEqual(12);
});

test('a session that waits for many calls is told of each, and after a while no more often than of one', async () => {
  const { sessionId, calls } = await answeredCalls(12);
  now += EVERY_MS;
  const sweep = lostSignals(deps, () => now);
  await sweep();
  expect((await signalsOf(sessionId)).toSorted()).toEqual(calls.toSorted());
  await sweepFor(sweep, 2 * HOUR_MS);
  const { length } = await signalsOf(sessionId);
  expect(length).toBeLessThanOrEqual(9 * calls.length);
  await sweepFor(sweep, HOUR_MS);
  expect((await signalsOf(sessionId)).length - length).toBeLessThanOrEqual(12);
});

test('what is settled is forgotten', async () => {
  const { sessionId, calls } = await answeredCalls(1);
  let settled = false;
  const ledger: Journal['ledger'] = {
    ...journal.ledger,
    overdue: (...asked) =>
      settled ? Promise.resolve({ items: [], nextCursor: null }) : journal.ledger.overdue(...asked),
  };
  const sweep = lostSignals({ ...deps, journal: { ...journal, ledger } }, () => now);
  now += EVERY_MS;
  await sweepFor(sweep, 60_000);
  const before = await signalsOf(sessionId);
  settled = true;
  await sweepFor(sweep, 2 * EVERY_MS);
  settled = false;
  await sweep();
  expect(await signalsOf(sessionId)).toEqual([...before, calls[0]]);
});

test('a session that cannot be told of its calls holds up no other one', async () => {
  const broken = await answeredCalls(2);
  now += 1;
  const behind = await answeredCalls(1);
  now += EVERY_MS;
  const { items } = await journal.ledger.overdue(0, { limit: 10 });
  expect(items.map(({ sessionId }) => sessionId)).toEqual([
    ...broken.calls.map(() => broken.sessionId),
    behind.sessionId,
  ]);
  await lostSignals({ ...deps, engine: engineWithout(broken.sessionId) }, () => now)();
  expect(await signalsOf(behind.sessionId)).toEqual(behind.calls);
  expect(await signalsOf(broken.sessionId)).toEqual([]);
});

test('nor does a quiet one of which Temporal cannot be asked', async () => {
  const others: SessionId[] = [];
  // As many as are looked at together.
  for (let count = 0; count < 10; count++) others.push(await quietSession());
  const engine = engineWithout(await quietSession());
  now += EVERY_MS;
  const sweep = lostRuns({ ...deps, engine }, 0);
  await sweep();
  await sweep();
  const rows = await Promise.all(others.map((sessionId) => journal.sessions.get(sessionId)));
  expect(rows.map((row) => row?.state)).toEqual(others.map(() => 'error'));
});

/** Of which Temporal knows nothing. */
async function quietSession(): Promise<SessionId> {
  const sessionId = await createSession(journal);
  await claimed(journal, claimOf(sessionId));
  return sessionId;
}

test('nor does one whose start gets no answer', async () => {
  const behind = await createSession(journal);
  const first = await createSession(journal);
  now += EVERY_MS;
  await halfStarts({ ...deps, engine: engineWithout(first) }, 0)();
  expect(await deps.engine.lastRun(first)).toBe('none');
  expect(await deps.engine.lastRun(behind)).toBe('open');
});
