/** The sessions' rows: made by the API, folded from events ever after. */
import { sql } from 'kysely';
import type { SelectQueryBuilder } from 'kysely';
import { EMPTY_SESSION, foldSession } from '../contracts/projections/session.ts';
import { EVENT_VERSION } from '../contracts/events.ts';
import type { EventOf } from '../contracts/events.ts';
import { PerdureError } from '../contracts/perdure-error.ts';
import { databaseNowOnce } from './database-clock.ts';
import { endLostSession } from './end-lost-session.ts';
import type { GroupCommit } from './group-commit.ts';
import type {
  NewSession,
  Page,
  PageRequest,
  SessionFilter,
  SessionRow,
  SessionStore,
} from './port.ts';
import { keyBefore, pageOf } from './page.ts';
import { refuseBeyond, release, reserve } from './places.ts';
import { writeRows } from './recordset.ts';
import { setLimits } from './session-limits.ts';
import { sessionRow } from './session-row.ts';
import type { SessionRequest } from './session-row.ts';
import { rebuildProjection } from './rebuild.ts';
import { reach, transact } from './store.ts';
import type { Store, Tx } from './store.ts';
import type { SessionRecord, Tables } from './tables.ts';
import { eventRows } from './write/flush.ts';
import { EVENTS } from './write/targets.ts';

const SESSIONS = { key: (record: SessionRecord): number => record.key, item: sessionRow };

export const sessions = (store: Store, commits: GroupCommit): SessionStore => ({
  async create(session, most = Number.POSITIVE_INFINITY) {
    const created = createdEvent(session, store.now());
    const { isNew, record } = await transact(store, async (tx) => {
      const inserted = await insert(tx, store, { session, created });
      if (inserted.isNew && Number.isFinite(most))
        await refuseBeyond(tx, store, { tenant: session.tenant, most });
      return inserted;
    });
    if (isNew) {
      const events = new Map([[session.sessionId, [created]]]);
      store.changes.publish({ events, closed: [], remote: [] });
    } else {
      refuseAnother(record, session);
    }
    return { created: isNew, row: sessionRow(record) };
  },

  async get(sessionId) {
    const record = await reach(store, (db) =>
      db.selectFrom('sessions').selectAll().where('id', '=', sessionId).executeTakeFirst(),
    );
    return record && sessionRow(record);
  },

  async list(filter, page) {
    const records = await reach(store, (db) =>
      matching(db.selectFrom('sessions').selectAll(), filter)
        .where('key', '<', keyBefore(page))
        .orderBy('key', 'desc')
        .limit(page.limit + 1)
        .execute(),
    );
    return pageOf(records, page.limit, SESSIONS);
  },

  starting: (olderThanMs, page) =>
    openOnes(store, page, (open) =>
      open.where('state', '=', 'starting').where('created_at', '<', before(store, olderThanMs)),
    ),

  quiet: (olderThanMs, page) =>
    openOnes(store, page, (open) =>
      open.where('state', '<>', 'starting').where('updated_at', '<', before(store, olderThanMs)),
    ),

  reserve: (sessionId, most) => reserve(store, sessionId, most),

  release: (session) => release(store, session),

  setLimits: (sessionId, change) => setLimits(store, sessionId, change),

  endLost: (session) => endLostSession(store, commits, session),

  rebuild: (sessionId) => rebuildProjection(store, sessionId),

  async count(filter) {
    const { count } = await reach(store, (db) =>
      matching(
        db.selectFrom('sessions').select((select) => select.fn.countAll<number>().as('count')),
        filter,
      )
        .where('open', '=', 1)
        .executeTakeFirstOrThrow(),
    );
    return count;
  },
});

function createdEvent(
  { sessionId, agent, model, workspace, context }: NewSession,
  now: number,
): EventOf<'session.created'> {
  const data = { agent, model, workspace, context };
  return {
    v: EVENT_VERSION,
    sessionId,
    seq: 1,
    at: new Date(now).toISOString(),
    type: 'session.created',
    data,
  };
}

interface Creation {
  readonly session: NewSession;
  readonly created: EventOf<'session.created'>;
}

async function insert(
  tx: Tx,
  { dialect }: Store,
  { session, created }: Creation,
): Promise<{ isNew: boolean; record: SessionRecord }> {
  const record = await tx
    .insertInto('sessions')
    .values(recordOf(session, created))
    .onConflict((conflict) => conflict.column('id').doNothing())
    .returningAll()
    .executeTakeFirst();
  if (record) {
    const rows = eventRows({
      key: record.key,
      now: record.created_at,
      events: [{ event: created, fact: undefined }],
    });
    await tx.executeQuery(writeRows(dialect, rows, EVENTS)!);
    return { isNew: true, record };
  }
  const existing = await tx
    .selectFrom('sessions')
    .selectAll()
    .where('id', '=', session.sessionId)
    .executeTakeFirstOrThrow();
  return { isNew: false, record: existing };
}

function recordOf(
  session: NewSession,
  created: EventOf<'session.created'>,
): Omit<SessionRecord, 'key'> {
  const { state, lastSeq, details } = foldSession(EMPTY_SESSION, created);
  const request: SessionRequest = {
    title: session.title,
    tools: session.tools,
    limits: session.limits,
    runner: session.runner,
  };
  const now = Date.parse(created.at);
  return {
    id: session.sessionId,
    tenant: session.tenant,
    user_id: session.user,
    digest: session.digest,
    context: session.context,
    external_id: session.externalId,
    created_at: now,
    open: 1,
    state,
    last_seq: lastSeq,
    kept_from: 1,
    transcript_cuts: 0,
    updated_at: now,
    details: JSON.stringify(details),
    request: JSON.stringify(request),
  };
}

function refuseAnother(
  record: SessionRecord,
  { digest, tenant, user, sessionId }: NewSession,
): void {
  if (record.digest === digest && record.tenant === tenant && record.user_id === user) return;
  throw new PerdureError('idempotency_conflict', `${sessionId} was used for a different request.`);
}

type Records = SelectQueryBuilder<Tables, 'sessions', SessionRecord>;

const before = (store: Store, ms: number) => sql<number>`${databaseNowOnce(store)} - ${ms}`;

/** Of all tenants, newest first. */
async function openOnes(
  store: Store,
  page: PageRequest,
  narrow: (open: Records) => Records,
): Promise<Page<SessionRow>> {
  const records = await reach(store, (db) =>
    narrow(db.selectFrom('sessions').selectAll())
      // Spelled out, so that SQLite knows its partial index to fit.
      .where('open', '=', sql.lit<1>(1))
      .where('key', '<', keyBefore(page))
      .orderBy('key', 'desc')
      .limit(page.limit + 1)
      .execute(),
  );
  return pageOf(records, page.limit, SESSIONS);
}

function matching<O>(query: SelectQueryBuilder<Tables, 'sessions', O>, filter: SessionFilter) {
  return query
    .where('tenant', '=', filter.tenant)
    .$if(filter.user !== undefined, (all) => all.where('user_id', '=', filter.user!))
    .$if(filter.state !== undefined, (all) => all.where('state', '=', filter.state!))
    .$if(filter.context !== undefined, (all) => all.where('context', '=', filter.context!))
    .$if(filter.externalId !== undefined, (all) =>
      all.where('external_id', '=', filter.externalId!),
    );
}
