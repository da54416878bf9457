/**
 * The transcript from its newest summary on, read once and then extended. Rows are only added at its end, except where a step that had
 * finished is run again: then rows are taken out, and the session's count of cuts says so.
 */
import { sql } from 'kysely';
import type { SessionId } from '../contracts/ids.ts';
import { PerdureError } from '../contracts/perdure-error.ts';
import type { TranscriptMessage } from '../contracts/transcript.ts';
import type { KnownTranscript } from './port.ts';
import { reach } from './store.ts';
import type { Store } from './store.ts';
import type { MessageRecord } from './tables.ts';
import { messageOf, newestSummary } from './transcript.ts';

type Summary = Extract<TranscriptMessage, { role: 'summary' }>;

/** @throws not_found */
export async function compactedTranscript(
  store: Store,
  sessionId: SessionId,
  known?: KnownTranscript,
): Promise<KnownTranscript> {
  const extended = known && (await extend(store, sessionId, known));
  if (extended) return extended;
  const summary = await newestSummary(store, sessionId);
  const fresh = summary && (await extend(store, sessionId, nothing(summary.through)));
  // A summary that came in between may reach less far; from the very beginning there is nothing that could be missing.
  return fresh ?? (await extend(store, sessionId, nothing(0)))!;
}

/** Before anything is read of what comes after `from`. */
const nothing = (from: number): KnownTranscript => ({
  rows: [],
  from,
  through: from,
  cuts: undefined,
});

/** Undefined where what is known is not the beginning of what there is now. */
async function extend(
  store: Store,
  sessionId: SessionId,
  known: KnownTranscript,
): Promise<KnownTranscript | undefined> {
  const { head, cuts, added } = await readAfter(store, sessionId, known.through);
  if (known.cuts !== undefined && known.cuts !== cuts) return undefined;
  const { rows, summary } = compact(joined(known.rows, added));
  const from = summary?.through ?? 0;
  return from < known.from ? undefined : { rows, from, through: head, cuts };
}

/** A row that was written again (a second attempt's summary) stands where it was written last. */
function joined(
  rows: readonly TranscriptMessage[],
  added: readonly TranscriptMessage[],
): readonly TranscriptMessage[] {
  if (added.length === 0) return rows;
  const again = new Set(added.map(({ id }) => id));
  return [...rows.filter(({ id }) => !again.has(id)), ...added];
}

/** The newest summary, and what it does not speak of. */
function compact(rows: readonly TranscriptMessage[]) {
  const summary = rows.findLast((row): row is Summary => row.role === 'summary');
  if (!summary || rows[0] === summary) return { rows, summary };
  const others = rows.filter((row) => row.role !== 'summary' && row.position > summary.through);
  return { rows: [summary, ...others], summary };
}

interface After {
  /** The session's last number: rows up to it are read, later ones will have higher positions. */
  readonly head: number;
  readonly cuts: number;
  readonly added: readonly TranscriptMessage[];
}

/** One statement, so that numbers and rows are of one moment. */
async function readAfter(store: Store, sessionId: SessionId, after: number): Promise<After> {
  type Row = { readonly last_seq: number; readonly transcript_cuts: number } & (
    MessageRecord | { readonly role: null }
  );
  const { rows } = await reach(store, (db) =>
    sql<Row>`select s.last_seq, s.transcript_cuts, m.id, m.role, m.position, m.turn, m.step, m.at, m.body
      from sessions s left join messages m on m.session_key = s.key and m.turn is not null and m.position > ${after}
      where s.id = ${sessionId} order by m.position`.execute(db),
  );
  const [first] = rows;
  if (!first) throw new PerdureError('not_found', `There is no session ${sessionId}.`);
  const added = rows.flatMap((row) => (row.role === null ? [] : [messageOf(row)]));
  return { head: first.last_seq, cuts: first.transcript_cuts, added };
}
