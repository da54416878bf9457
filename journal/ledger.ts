/** The ledger of tool calls: one row decides who runs a call and what its result is. */
import { sql } from 'kysely';
import type { CallId, SessionId } from '../contracts/ids.ts';
import type { RunnerSelector } from '../contracts/runners.ts';
import type { Closing } from './closing.ts';
import type { GroupCommit, Operation, Urgency } from './group-commit.ts';
import { beginCall, finishCall, settleLedgerCall } from './operations/end-call.ts';
import { answerCall, isFree, leaseCall, reportProgress } from './operations/lease-call.ts';
import { leaveRun, reportRun } from './operations/run-call.ts';
import { overdueCalls } from './overdue-calls.ts';
import { calls, ownedCalls } from './owned-calls.ts';
import type { Owned, Owner } from './owned-calls.ts';
import type { CallRef, TimedCall } from './operations/lease-call.ts';
import { SOMEBODY } from './port.ts';
import type { CallFilter, Ledger, LedgerCall, RemoteFilter } from './port.ts';
import { reach } from './store.ts';
import type { Store } from './store.ts';
import type { Subscribers } from './subscribers.ts';

/** Whoever asks is waiting, and asks again by himself. */
const AT_ONCE: Urgency = { urgent: true, patienceMs: 0 };

/** What tells of changes. */
interface LedgerNews {
  readonly closing: Closing;
  readonly remote: Subscribers<SessionId | null>;
}

export function ledger(
  store: Store,
  commits: GroupCommit,
  { closing, remote }: LedgerNews,
): Ledger {
  const submit = <T>(operation: Operation<T>) => commits.submit(operation, AT_ONCE);
  const { find, ownerOf, known } = ownedCalls(store);
  /** The row as an operation left it, with what never changes. */
  const shown = (row: TimedCall, { session_id, tenant, user_id }: Owner) =>
    callOf({ ...row, session_id, tenant, user_id });

  return {
    async get(callId) {
      const found = await find(callId);
      return found && callOf(found);
    },
    pending: (filter, limit) => pendingCalls(store, filter, limit),
    async lease(callId, lease) {
      const owner = await known(callId);
      const row = await submit(leaseCall(refOf(callId, owner), lease));
      return row && shown(row, owner);
    },
    async progress(callId, lease, { message, fraction }) {
      const owner = await known(callId);
      return submit(reportProgress(refOf(callId, owner), { ...lease, message, fraction }));
    },
    async answer(callId, settlement, holder) {
      const owner = await ownerOf(callId);
      return owner ? submit(answerCall(refOf(callId, owner), settlement, holder)) : 'unknown';
    },
    settle: (input) => submit(settleLedgerCall(input)),
    async begin({ callId }, fence, holder = SOMEBODY) {
      const owner = await known(callId);
      const begun = await submit(beginCall(refOf(callId, owner), { fence, holder }));
      return begun.state === 'begun' ? { ...begun, call: shown(begun.call, owner) } : begun;
    },
    async report(callId, fence, progress) {
      return submit(reportRun(refOf(callId, await known(callId)), { fence, progress }));
    },
    async leave(callId, fence, holder = SOMEBODY) {
      await submit(leaveRun(refOf(callId, await known(callId)), { fence, holder }));
    },
    async finish(callId, fence, settlement) {
      await submit(finishCall(refOf(callId, await known(callId)), { fence, settlement }));
    },
    whenClosed: (run, signal) => closing.whenClosed(run, signal),
    overdue: (olderThanMs, page) => overdueCalls(store, olderThanMs, page),
    remote: (filter, limit) => remoteCalls(store, filter, limit),
    remoteNews: (signal) => remote.follow(() => true, signal),
  };
}

const refOf = (callId: CallId, { session_id }: Owner): CallRef => ({
  callId,
  sessionId: session_id,
});

async function pendingCalls(store: Store, filter: CallFilter, limit: number) {
  const rows = await reach(store, (db) =>
    calls(store, db)
      .where('sessions.tenant', '=', filter.tenant)
      .$if(filter.user !== undefined, (all) => all.where('sessions.user_id', '=', filter.user!))
      .$if(filter.sessionId !== undefined, (all) =>
        all.where('sessions.id', '=', filter.sessionId!),
      )
      .$if(filter.mode !== undefined, (all) => all.where('tool_calls.mode', '=', filter.mode!))
      .where('tool_calls.state', 'in', ['offered', 'leased'])
      .orderBy('tool_calls.created_at')
      .orderBy('tool_calls.call_id')
      .limit(limit)
      .execute(),
  );
  return (rows as Owned[]).map(callOf);
}

/** Spelled out, so that SQLite knows its partial index to fit. */
const OPEN_REMOTE = sql<boolean>`tool_calls.mode = 'remote' and tool_calls.state <> 'settled'`;

async function remoteCalls(store: Store, { tenants, sessionIds }: RemoteFilter, limit: number) {
  const rows = await reach(store, (db) =>
    calls(store, db)
      .where(OPEN_REMOTE)
      // Nobody's business before a person has approved it.
      .where('tool_calls.state', '<>', 'held')
      .$if(tenants !== undefined, (all) => all.where('sessions.tenant', 'in', tenants!))
      .$if(sessionIds !== undefined, (all) => all.where('sessions.id', 'in', sessionIds!))
      .orderBy('tool_calls.created_at')
      .orderBy('tool_calls.call_id')
      .limit(limit)
      .execute(),
  );
  return (rows as Owned[]).map(callOf);
}

const iso = (at: number | null): string | null => (at === null ? null : new Date(at).toISOString());

const callOf = (row: Owned): LedgerCall => ({
  callId: row.call_id,
  sessionId: row.session_id,
  turn: row.turn,
  step: row.step,
  tenant: row.tenant,
  user: row.user_id,
  name: row.name,
  mode: row.mode,
  effect: row.effect,
  arguments: row.arguments,
  state: row.state,
  outcome: row.outcome,
  holder: row.holder,
  dueAt: iso(row.due_at),
  dueInMs: row.due_at === null ? null : Math.max(0, row.due_at - row.now),
  claimable: isFree(row, row.now),
  leaseEndsAt: iso(row.lease_ends_at),
  timeoutMs: row.timeout_ms,
  attempts: row.attempts,
  runner: row.runner === null ? null : (JSON.parse(row.runner) as RunnerSelector),
  createdAt: new Date(row.created_at).toISOString(),
});
