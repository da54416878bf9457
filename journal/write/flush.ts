/** Writes what the drafts of a batch have become: one statement a table that changed. */
import { sql } from 'kysely';
import type { CompiledQuery } from 'kysely';
import type { EventType } from '../../contracts/events.ts';
import type { SessionProjection } from '../../contracts/projections/session.ts';
import { isClosed } from '../../contracts/session-state.ts';
import { artifactInsert } from '../artifacts.ts';
import { recordset, updateRows, writeRows } from '../recordset.ts';
import type { Target } from '../recordset.ts';
import type { Rows, Store } from '../store.ts';
import type { EventRecord, SettledTurnsTable } from '../tables.ts';
import type { SessionDraft } from './session-draft.ts';
import {
  APPROVAL_ENDS,
  APPROVALS,
  AUDIT,
  CALLS,
  EVENTS,
  MESSAGES,
  SESSION_FACTS,
  SESSION_HEADS,
  SESSION_LIVES,
  SETTLED_TURNS,
  STEPS,
} from './targets.ts';

export function flush(store: Store, drafts: readonly SessionDraft[]): readonly CompiledQuery[] {
  const insert = (rows: Rows, target: Target) => writeRows(store.dialect, rows, target);
  return [
    insert(drafts.flatMap(eventRows), EVENTS),
    insert(
      drafts.flatMap((draft) => picked(draft.changed.steps, draft.steps)),
      STEPS,
    ),
    insert(
      drafts.flatMap((draft) => picked(draft.changed.messages, draft.messages)),
      MESSAGES,
    ),
    insert(
      drafts.flatMap((draft) => picked(draft.changed.calls, draft.calls)),
      CALLS,
    ),
    insert(
      drafts.flatMap((draft) => picked(draft.changed.approvals, draft.approvals)),
      APPROVALS,
    ),
    updateRows(
      store.dialect,
      drafts.flatMap((draft) => draft.settledApprovals),
      APPROVAL_ENDS,
    ),
    insert(
      drafts.flatMap((draft) => draft.audited),
      AUDIT,
    ),
    insert(drafts.flatMap(settledTurns), SETTLED_TURNS),
    removeMessages(store, drafts),
    countCuts(store, drafts),
    ...updateSessions(store, drafts),
    ...drafts.flatMap((draft) =>
      draft.artifacts.map((artifact) =>
        artifactInsert(store.db, draft.owner, { ...artifact, createdAt: draft.now }).compile(),
      ),
    ),
  ].filter((query) => query !== undefined);
}

const picked = <K, V>(keys: ReadonlySet<K>, rows: ReadonlyMap<K, V>) =>
  [...keys].map((key) => ({ ...rows.get(key)! }));

export function eventRows(draft: Pick<SessionDraft, 'key' | 'now' | 'events'>): EventRecord[] {
  return draft.events.map(({ event, fact }) => ({
    session_key: draft.key,
    seq: event.seq,
    type: event.type,
    turn: event.turn ?? null,
    step: event.step ?? null,
    attempt: event.attempt ?? null,
    at: draft.now,
    data: JSON.stringify(event.data),
    fact: fact ?? null,
  }));
}

/** A turn's deltas lie between its opening and its settlement. */
function settledTurns(draft: SessionDraft): SettledTurnsTable[] {
  let opened = draft.start.details.turnSeq;
  return draft.events.flatMap(({ event }) => {
    if (event.type === 'turn.started') opened = event.seq;
    if (event.type !== 'turn.settled' || event.turn === undefined) return [];
    return [
      {
        session_key: draft.key,
        turn: event.turn,
        first_seq: opened,
        last_seq: event.seq,
        settled_at: draft.now,
      },
    ];
  });
}

function removeMessages(
  { dialect, db }: Store,
  drafts: readonly SessionDraft[],
): CompiledQuery | undefined {
  const rows = drafts.flatMap((draft) =>
    [...draft.removedMessages].map((id) => ({ session_key: draft.key, id })),
  );
  if (rows.length === 0) return undefined;
  const source = recordset(dialect, rows, { session_key: 'bigint', id: 'text' });
  return sql`delete from messages where (session_key, id) in (select r.session_key, r.id from ${source})`.compile(
    db,
  );
}

function countCuts(
  { dialect, db }: Store,
  drafts: readonly SessionDraft[],
): CompiledQuery | undefined {
  const rows = drafts.filter(({ cut }) => cut).map(({ key }) => ({ key }));
  if (rows.length === 0) return undefined;
  const source = recordset(dialect, rows, { key: 'bigint' });
  return sql`update sessions set transcript_cuts = transcript_cuts + 1 where key in (select r.key from ${source})`.compile(
    db,
  );
}

/** Deltas leave all but the head as it is, and only an end or a beginning gives a place among the open ones away or takes it. */
function updateSessions({ dialect }: Store, drafts: readonly SessionDraft[]) {
  const moved = drafts.filter((draft) => draft.events.length > 0);
  const { heads = [], facts = [], lives = [] } = Object.groupBy(moved, whatChanged);
  return [
    updateRows(dialect, heads.map(head), SESSION_HEADS),
    updateRows(dialect, facts.map(life), SESSION_FACTS),
    updateRows(dialect, lives.map(life), SESSION_LIVES),
  ];
}

function whatChanged({ projection, start, events }: SessionDraft): 'heads' | 'facts' | 'lives' {
  if (isClosed(projection.state) !== isClosed(start.state)) return 'lives';
  if (events.some(({ event: { type } }) => ENDS_AND_BEGINNINGS.has(type))) return 'lives';
  return projection.details === start.details ? 'heads' : 'facts';
}

const ENDS_AND_BEGINNINGS: ReadonlySet<EventType> = new Set(['session.ended', 'session.reopened']);

const head = ({ key, projection }: SessionDraft) => headOf(key, projection);

/** One that goes on at once keeps its place. */
function life({ key, projection, events }: SessionDraft) {
  const row = lifeOf(key, projection);
  const ended = events.findLast(({ event }) => event.type === 'session.ended')?.event;
  const goesOn = ended?.type === 'session.ended' && ended.data.reopening === true;
  return goesOn ? { ...row, open: 1 } : row;
}

const headOf = (key: number, { state, lastSeq, updatedAt }: SessionProjection) => ({
  key,
  state,
  last_seq: lastSeq,
  updated_at: Date.parse(updatedAt),
});

/** A session's row as its projection says it. */
export const lifeOf = (key: number, projection: SessionProjection) => ({
  ...headOf(key, projection),
  open: isClosed(projection.state) ? 0 : 1,
  context: projection.details.context,
  details: JSON.stringify(projection.details),
});
