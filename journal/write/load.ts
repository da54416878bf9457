/**
 * Locks the sessions of a batch, in the order of their keys, and reads every row that its operations look at. The statements go to the
 * database together; each sees what was committed before the locks were had, because it comes after the one that takes them.
 */
import { sql } from 'kysely';
import type { CompiledQuery } from 'kysely';
import type { ApprovalId, CallId, MessageId, SessionId } from '../../contracts/ids.ts';
import { EMPTY_SESSION } from '../../contracts/projections/session.ts';
import type { SessionDetails } from '../../contracts/projections/session.ts';
import { databaseNow } from '../database-clock.ts';
import { recordset } from '../recordset.ts';
import type { Columns, Target } from '../recordset.ts';
import type { Rows, Store } from '../store.ts';
import type {
  ApprovalRecord,
  CallRecord,
  MessageRecord,
  SessionRecord,
  StepRecord,
} from '../tables.ts';
import { SessionDraft, stepKey } from './session-draft.ts';
import type { DeltaRecord, StepName } from './session-draft.ts';
import { APPROVALS, CALLS, MESSAGES, STEPS } from './targets.ts';

/** What an operation has to see. */
export interface Needs {
  readonly sessionId: SessionId;
  /** Only adds deltas: state and number of the session are enough, and the fence of the step. */
  readonly headOnly?: boolean;
  readonly steps?: readonly StepName[];
  /** This step and those of its turn that came after it. */
  readonly stepsFrom?: StepName;
  readonly messages?: readonly string[];
  readonly facts?: readonly string[];
  readonly calls?: readonly CallId[];
  /** All calls of this turn that are not settled. */
  readonly openCallsOf?: MessageId;
  readonly approvals?: readonly ApprovalId[];
  /** What the newest attempts of this step, and of those of its turn that came after it, have streamed. */
  readonly deltasFrom?: StepName;
}

interface Loading {
  readonly store: Store;
  readonly needs: readonly Needs[];
  readonly headOnly: boolean;
}

/** A statement, and what its rows are to the session that they belong to. */
interface Read {
  readonly query: CompiledQuery;
  take(row: object, draft: SessionDraft): void;
}

/** The drafts, and the database's own id of the transaction where its fate can be asked for later. */
export interface Loaded {
  readonly drafts: ReadonlyMap<SessionId, SessionDraft>;
  readonly transaction: string | undefined;
}

export interface Load {
  /** The first one takes the locks. */
  readonly queries: readonly CompiledQuery[];
  /** @param answers the rows of each query */
  loaded(answers: readonly Rows[]): Loaded;
}

const READS = [stepsRead, messagesRead, factsRead, callsRead, approvalsRead, deltasRead];

export function load(store: Store, needs: readonly Needs[]): Load {
  const loading = { store, needs, headOnly: needs.every((need) => need.headOnly) };
  const reads = READS.flatMap((read) => read(loading) ?? []);
  return {
    queries: [lockQuery(loading), ...reads.map(({ query }) => query)],
    loaded([locked, ...answers]) {
      const rows = locked as readonly Locked[];
      const drafts = rows.map((row) => draftOf(row, row.now ?? store.now()));
      const byKey = new Map(drafts.map((draft) => [draft.key, draft]));
      for (const [index, read] of reads.entries()) {
        for (const row of answers[index] as readonly Belonging[]) {
          // A session that was made after the others were locked is one that does not exist yet.
          const draft = byKey.get(row.session_key);
          if (draft) read.take(row, draft);
        }
      }
      return {
        drafts: new Map(drafts.map((draft) => [draft.sessionId, draft])),
        transaction: rows[0]?.transaction,
      };
    },
  };
}

interface Belonging {
  readonly session_key: number;
}
type Head = Pick<
  SessionRecord,
  'id' | 'key' | 'tenant' | 'user_id' | 'state' | 'last_seq' | 'updated_at'
>;
interface Locked extends Head {
  readonly details?: string;
  readonly transaction?: string;
  /** By the database's clock, where that counts. */
  readonly now?: number;
}
const HEAD = 's.id, s.key, s.tenant, s.user_id, s.state, s.last_seq, s.updated_at';

function lockQuery({ store, needs, headOnly }: Loading): CompiledQuery {
  const ids = [...new Set(needs.map((need) => need.sessionId))].map((id) => ({ id }));
  const source = recordset(store.dialect, ids, { id: 'text' });
  const columns = sql.raw(headOnly ? HEAD : `${HEAD}, s.details`);
  // SQLite's `begin immediate` holds the one lock there is.
  const postgres = store.dialect === 'postgres';
  const transaction = postgres ? sql`, pg_current_xact_id()::text as transaction` : sql``;
  const lock = postgres ? sql`for update of s` : sql``;
  const locked = sql`
    select ${columns} ${transaction} from sessions s where s.id in (select r.id from ${source}) order by s.key ${lock}`;
  // Around it, because a session may be waited for: the time is that at which its lock was had.
  const timed = sql`select l.*, ${databaseNow(store)} as now from (${locked}) l`;
  return (store.databaseClock ? timed : locked).compile(store.db);
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

/** One row for each thing that is needed of a session. */
const wanted = <T extends object>(
  { needs }: Loading,
  pick: (need: Needs) => readonly T[] | undefined,
) => needs.flatMap((need) => (pick(need) ?? []).map((row) => ({ id: need.sessionId, ...row })));

const columnsOf = (alias: string, { columns }: Target): string =>
  Object.keys(columns)
    .map((name) => `${alias}.${name}`)
    .join(', ');

/** The wanted rows with their sessions' keys, for a `from` clause. */
const sourceOf = ({ store }: Loading, rows: readonly object[], columns: Columns) =>
  sql`${recordset(store.dialect, rows, { id: 'text', ...columns })} join sessions s on s.id = r.id`;

const FENCE =
  't.session_key, t.turn, t.step, t.state, t.scheduled_at, t.temporal_attempt, t.number';

const nameOf = ({ turn, step }: StepName): StepName => ({ turn, step });

/** The largest number that the column holds. */
const LAST_STEP = 2_147_483_647;

interface Range extends StepName {
  readonly last: number;
}
const RANGE: Columns = { turn: 'text', step: 'integer', last: 'integer' };
const JOIN_STEPS = sql`join steps t on t.session_key = s.key and t.turn = r.turn and t.step between r.step and r.last`;

/** Some steps by themselves, and one with those that came after it. */
const rangesOf = (steps: readonly StepName[], from: StepName | undefined): Range[] => [
  ...steps.map((name) => ({ ...nameOf(name), last: name.step })),
  ...(from ? [{ ...nameOf(from), last: LAST_STEP }] : []),
];

function stepsRead(loading: Loading): Read | undefined {
  const names = wanted(loading, ({ steps = [], stepsFrom }) => rangesOf(steps, stepsFrom));
  if (names.length === 0) return undefined;
  const columns = sql.raw(loading.headOnly ? FENCE : columnsOf('t', STEPS));
  const source = sourceOf(loading, names, RANGE);
  return {
    query: sql`select ${columns} from ${source} ${JOIN_STEPS}`.compile(loading.store.db),
    take: (row, draft) => draft.steps.set(stepKey(row as StepRecord), row as StepRecord),
  };
}

function messagesRead(loading: Loading): Read | undefined {
  const names = wanted(loading, ({ messages }) => messages?.map((message) => ({ message })));
  if (names.length === 0) return undefined;
  const source = sourceOf(loading, names, { message: 'text' });
  return {
    query:
      sql`select ${sql.raw(columnsOf('m', MESSAGES))} from ${source} join messages m on m.session_key = s.key and m.id = r.message`.compile(
        loading.store.db,
      ),
    take: (row, draft) => draft.messages.set((row as MessageRecord).id, row as MessageRecord),
  };
}

function factsRead(loading: Loading): Read | undefined {
  const names = wanted(loading, ({ facts }) => facts?.map((fact) => ({ fact })));
  if (names.length === 0) return undefined;
  const source = sourceOf(loading, names, { fact: 'text' });
  return {
    query:
      sql`select e.session_key, e.fact from ${source} join events e on e.session_key = s.key and e.fact = r.fact`.compile(
        loading.store.db,
      ),
    take: (row, draft) => draft.facts.add((row as { readonly fact: string }).fact),
  };
}

function callsRead(loading: Loading): Read | undefined {
  const ids = wanted(loading, ({ calls }) => calls?.map((call) => ({ call })));
  const turns = wanted(loading, ({ openCallsOf: turn }) => turn && [{ turn }]);
  if (ids.length + turns.length === 0) return undefined;
  const columns = sql.raw(columnsOf('c', CALLS));
  return {
    query: sql`
    select ${columns} from ${sourceOf(loading, ids, { call: 'text' })} join tool_calls c on c.session_key = s.key and c.call_id = r.call
    union
    select ${columns} from ${sourceOf(loading, turns, { turn: 'text' })} join tool_calls c on c.session_key = s.key and c.turn = r.turn
      where c.state <> 'settled'`.compile(loading.store.db),
    take: (row, draft) => draft.calls.set((row as CallRecord).call_id, row as CallRecord),
  };
}

function approvalsRead(loading: Loading): Read | undefined {
  const ids = wanted(loading, ({ approvals }) => approvals?.map((approval) => ({ approval })));
  if (ids.length === 0) return undefined;
  const source = sourceOf(loading, ids, { approval: 'text' });
  return {
    query:
      sql`select ${sql.raw(columnsOf('a', APPROVALS))} from ${source} join approvals a on a.session_key = s.key and a.approval_id = r.approval`.compile(
        loading.store.db,
      ),
    take: (row, draft) =>
      draft.approvals.set((row as ApprovalRecord).approval_id, row as ApprovalRecord),
  };
}

function deltasRead(loading: Loading): Read | undefined {
  const names = wanted(loading, ({ deltasFrom }) => rangesOf([], deltasFrom));
  if (names.length === 0) return undefined;
  return {
    query: sql`
    select e.session_key, e.seq, e.turn, e.step, e.attempt, e.data from ${sourceOf(loading, names, RANGE)} ${JOIN_STEPS}
    join events e on e.session_key = t.session_key and e.turn = t.turn and e.step = t.step and e.attempt = t.number
    where e.seq > t.claimed_seq and e.type = 'content.delta' order by e.session_key, e.seq`.compile(
      loading.store.db,
    ),
    // Several operations of a batch may ask for the same.
    take: (row, draft) => draft.deltas.set((row as DeltaRecord).seq, row as DeltaRecord),
  };
}
