/** Calls that a person has to approve: who asks for them, and how they end. */
import { sql } from 'kysely';
import type { Kysely, Selectable } from 'kysely';
import type { SessionId } from '../contracts/ids.ts';
import type { GroupCommit } from './group-commit.ts';
import { settleApproval } from './operations/settle-approval.ts';
import { keyBefore, pageOf } from './page.ts';
import type { ApprovalFilter, ApprovalRow, Approvals, PageRequest } from './port.ts';
import { reach } from './store.ts';
import type { Store } from './store.ts';
import type { ApprovalsTable, Tables } from './tables.ts';

type Reader = Kysely<Tables>;
type Found = Selectable<ApprovalsTable> & { readonly session_id: SessionId };

const PAGE = { key: (row: Found): number => row.key, item: rowOf };

export const approvals = (store: Store, commits: GroupCommit): Approvals => ({
  async get(approvalId) {
    const found = await reach(store, (db) =>
      db
        .selectFrom('approvals')
        .innerJoin('sessions', 'sessions.key', 'approvals.session_key')
        .selectAll('approvals')
        .select('sessions.id as session_id')
        .where('approval_id', '=', approvalId)
        .executeTakeFirst(),
    );
    return found && rowOf(found);
  },
  list: async (filter, page) =>
    pageOf(
      await reach(store, (db) => listedApprovals(db, filter, page).execute()),
      page.limit,
      PAGE,
    ),
  async waiting() {
    const { count, oldest } = await reach(store, (db) =>
      openApprovals(db).executeTakeFirstOrThrow(),
    );
    const oldestAgeMs = oldest === null ? 0 : Math.max(0, store.now() - oldest);
    return { count: Number(count), oldestAgeMs };
  },
  settle: (settling) => commits.submit(settleApproval(settling), { urgent: true, patienceMs: 0 }),
});

/** Spelled out, so that SQLite knows its partial index to fit. */
const OPEN = sql.lit<'open'>('open');

/** Exported for the test that looks at its plan. */
export const listedApprovals = (db: Reader, filter: ApprovalFilter, page: PageRequest) =>
  db
    .selectFrom('approvals')
    .innerJoin('sessions', 'sessions.key', 'approvals.session_key')
    .selectAll('approvals')
    .select('sessions.id as session_id')
    .where('approvals.tenant', '=', filter.tenant)
    .$if(filter.user !== undefined, (all) => all.where('approvals.user_id', '=', filter.user!))
    .$if(filter.sessionId !== undefined, (all) => all.where('sessions.id', '=', filter.sessionId!))
    .$if(filter.state === 'open', (all) => all.where('approvals.state', '=', OPEN))
    .$if(filter.state === 'settled', (all) => all.where('approvals.state', '=', 'settled'))
    .where('approvals.key', '<', keyBefore(page))
    .orderBy('approvals.key', 'desc')
    .limit(page.limit + 1);

/** The same. */
export const openApprovals = (db: Reader) =>
  db
    .selectFrom('approvals')
    .select(({ fn }) => [fn.countAll().as('count'), fn.min('created_at').as('oldest')])
    .where('state', '=', OPEN);

const iso = (at: number): string => new Date(at).toISOString();

function rowOf(row: Found): ApprovalRow {
  return {
    approvalId: row.approval_id,
    sessionId: row.session_id,
    callId: row.call_id,
    turn: row.turn,
    step: row.step,
    tenant: row.tenant,
    user: row.user_id,
    name: row.name,
    mode: row.mode,
    effect: row.effect,
    arguments: row.arguments,
    inputSchema: JSON.parse(row.input_schema) as ApprovalRow['inputSchema'],
    preview: row.preview,
    rule: row.rule,
    reason: row.reason,
    state: row.state,
    outcome: row.outcome,
    decision: row.decision === null ? null : (JSON.parse(row.decision) as ApprovalRow['decision']),
    createdAt: iso(row.created_at),
    expiresAt: iso(row.expires_at),
    settledAt: row.settled_at === null ? null : iso(row.settled_at),
  };
}
