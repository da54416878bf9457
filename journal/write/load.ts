/** Locks the sessions of a batch, in the order of their keys, and reads every row that its operations look at. */
import { sql } from 'kysely';
import type { CallId, MessageId, SessionId } from '../../contracts/ids.ts';
import { EMPTY_SESSION } from '../../contracts/projections/session.ts';
import type { SessionDetails } from '../../contracts/projections/session.ts';
import { recordset } from '../recordset.ts';
import type { Columns } from '../recordset.ts';
import type { Store, Tx } from '../store.ts';
import type { CallRecord, MessageRecord, SessionRecord, StepRecord } from '../tables.ts';
import { SessionDraft, stepKey } from './session-draft.ts';

interface StepName {
  readonly turn: MessageId;
  readonly step: number;
}

/** What an operation has to see. */
export interface Needs {
  readonly sessionId: SessionId;
  /** Only adds deltas: state and number of the session are enough, and the fence of the step. */
  readonly headOnly?: boolean;
  readonly steps?: readonly StepName[];
  readonly messages?: readonly string[];
  readonly facts?: readonly string[];
  readonly calls?: readonly CallId[];
  /** All calls of this turn that are not settled. */
  readonly openCallsOf?: MessageId;
  /** What the newest attempt of this step has streamed. */
  readonly deltasOf?: StepName;
}

export interface DeltaRecord extends StepName {
  readonly attempt: number;
  readonly data: string;
}

type Drafts = ReadonlyMap<SessionId, SessionDraft>;
interface Loading {
  readonly tx: Tx;
  readonly store: Store;
  readonly needs: readonly Needs[];
  readonly headOnly: boolean;
  readonly drafts: Drafts;
  readonly byKey: ReadonlyMap<number, SessionDraft>;
}

/** The drafts, and the database's own id of the transaction where its fate can be asked for later. */
export interface Loaded {
  readonly drafts: Drafts;
  readonly transaction: string | undefined;
}

export async function load(tx: Tx, store: Store, needs: readonly Needs[]): Promise<Loaded> {
  const headOnly = needs.every((need) => need.headOnly);
  const rows = await lockSessions(tx, store, { needs, headOnly });
  const drafts: Drafts = new Map(rows.map((row) => [row.id, draftOf(row, store.now())]));
  const byKey = new Map([...drafts.values()].map((draft) => [draft.key, draft]));
  const loading = { tx, store, needs, headOnly, drafts, byKey };
  await loadSteps(loading);
  await loadMessages(loading);
  await loadFacts(loading);
  await loadCalls(loading);
  await loadDeltas(loading);
  return { drafts, transaction: rows[0]?.transaction };
}

type Head = Pick<
  SessionRecord,
  'id' | 'key' | 'tenant' | 'user_id' | 'state' | 'last_seq' | 'updated_at'
>;
interface Locked extends Head {
  readonly details?: string;
  readonly transaction?: string;
}
const HEAD = 's.id, s.key, s.tenant, s.user_id, s.state, s.last_seq, s.updated_at';

async function lockSessions(
  tx: Tx,
  store: Store,
  { needs, headOnly }: Pick<Loading, 'needs' | 'headOnly'>,
): Promise<Locked[]> {
  const ids = [...new Set(needs.map((need) => need.sessionId))].map((id) => ({ id }));
  const source = recordset(store.dialect, ids, { id: 'text' });
  const columns = sql.raw(headOnly ? HEAD : `${HEAD}, s.details`);
  // SQLite's `begin immediate` holds the one lock there is.
  const postgres = store.dialect === 'postgres';
  const transaction = postgres ? sql`, pg_current_xact_id()::text as transaction` : sql``;
  const lock = postgres ? sql`for update of s` : sql``;
  const { rows } = await sql<Locked>`
    select ${columns} ${transaction} from sessions s where s.id in (select r.id from ${source}) order by s.key ${lock}`.execute(
    tx,
  );
  return rows;
}

const draftOf = (row: Locked, now: number): SessionDraft =>
  new SessionDraft({
    key: row.key,
    sessionId: row.id,
    owner: { tenant: row.tenant, user: row.user_id },
    projection: {
      state: row.state,
      lastSeq: row.last_seq,
      updatedAt: new Date(row.updated_at).toISOString(),
      details:
        row.details === undefined
          ? EMPTY_SESSION.details
          : (JSON.parse(row.details) as SessionDetails),
    },
    now,
  });

/** One row for each thing that is needed of a session that exists. */
function wanted<T extends object>({ needs, drafts }: Loading, pick: (need: Needs) => readonly T[]) {
  return needs.flatMap((need) => {
    const draft = drafts.get(need.sessionId);
    return draft ? pick(need).map((row) => ({ session_key: draft.key, ...row })) : [];
  });
}

const FENCE =
  't.session_key, t.turn, t.step, t.state, t.scheduled_at, t.temporal_attempt, t.number';
const STEP: Columns = { session_key: 'bigint', turn: 'text', step: 'integer' };

async function loadSteps(loading: Loading): Promise<void> {
  const names = wanted(loading, (need) => need.steps ?? []).map(({ session_key, turn, step }) => ({
    session_key,
    turn,
    step,
  }));
  if (names.length === 0) return;
  const { rows } = await sql<StepRecord>`
    select ${sql.raw(loading.headOnly ? FENCE : 't.*')} from ${recordset(loading.store.dialect, names, STEP)} join steps t using (session_key, turn, step)`.execute(
    loading.tx,
  );
  for (const row of rows) loading.byKey.get(row.session_key)!.steps.set(stepKey(row), row);
}

async function loadMessages(loading: Loading): Promise<void> {
  const names = wanted(loading, (need) => (need.messages ?? []).map((id) => ({ id })));
  if (names.length === 0) return;
  const source = recordset(loading.store.dialect, names, { session_key: 'bigint', id: 'text' });
  const { rows } =
    await sql<MessageRecord>`select m.* from ${source} join messages m using (session_key, id)`.execute(
      loading.tx,
    );
  for (const row of rows) loading.byKey.get(row.session_key)!.messages.set(row.id, row);
}

async function loadFacts(loading: Loading): Promise<void> {
  const names = wanted(loading, (need) => (need.facts ?? []).map((fact) => ({ fact })));
  if (names.length === 0) return;
  const source = recordset(loading.store.dialect, names, { session_key: 'bigint', fact: 'text' });
  const { rows } = await sql<{ session_key: number; fact: string }>`
    select session_key, e.fact from ${source} join events e using (session_key, fact)`.execute(
    loading.tx,
  );
  for (const row of rows) loading.byKey.get(row.session_key)!.facts.add(row.fact);
}

async function loadCalls(loading: Loading): Promise<void> {
  const ids = wanted(loading, (need) => (need.calls ?? []).map((call_id) => ({ call_id })));
  const turns = wanted(loading, (need) => (need.openCallsOf ? [{ turn: need.openCallsOf }] : []));
  if (ids.length + turns.length === 0) return;
  const { dialect } = loading.store;
  const { rows } = await sql<CallRecord>`
    select c.* from ${recordset(dialect, ids, { session_key: 'bigint', call_id: 'text' })} join tool_calls c using (session_key, call_id)
    union
    select c.* from ${recordset(dialect, turns, { session_key: 'bigint', turn: 'text' })} join tool_calls c using (session_key, turn)
      where c.state <> 'settled'`.execute(loading.tx);
  for (const row of rows) loading.byKey.get(row.session_key)!.calls.set(row.call_id, row);
}

async function loadDeltas(loading: Loading): Promise<void> {
  const names = wanted(loading, (need) => (need.deltasOf ? [need.deltasOf] : [])).flatMap(
    ({ session_key, turn, step }) => {
      const row = loading.byKey.get(session_key)!.step({ turn, step });
      return row ? [{ session_key, turn, step, attempt: row.number, after: row.claimed_seq }] : [];
    },
  );
  if (names.length === 0) return;
  const source = recordset(loading.store.dialect, names, {
    ...STEP,
    attempt: 'integer',
    after: 'bigint',
  });
  const { rows } = await sql<DeltaRecord & { session_key: number }>`
    select session_key, turn, step, attempt, e.data from ${source} join events e using (session_key, turn, step, attempt)
    where e.seq > r.after and e.type = 'content.delta' order by session_key, e.seq`.execute(
    loading.tx,
  );
  for (const row of rows) loading.byKey.get(row.session_key)!.deltas.push(row);
}
