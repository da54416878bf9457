/** What fits into the model's window, and what has to give way. Pure. */
import type { MessageId } from '../../../contracts/ids.ts';
import type { TranscriptMessage } from '../../../contracts/transcript.ts';
import type { CountRow } from './measure.ts';
import { shrink } from './shrink.ts';

export interface PlanInput {
  /** The transcript from its newest summary on. */
  readonly rows: readonly TranscriptMessage[];
  readonly turn: MessageId;
  /** Tokens for the rows: the window less the answer, the system prompt and the tools. */
  readonly budget: number;
  readonly count: CountRow;
  /** False once compaction has been tried: what is too long is cut instead. */
  readonly mayCompact: boolean;
}

export type ContextPlan =
  | {
      readonly kind: 'fits';
      readonly rows: readonly TranscriptMessage[];
      readonly tokens: number;
    }
  /** Replace `older` by a summary, then plan again. */
  | { readonly kind: 'compact'; readonly older: readonly TranscriptMessage[] }
  /** What must be sent whole, the person's words of this turn, is longer than the window. */
  | { readonly kind: 'too-long'; readonly tokens: number };

/** After a compaction this much of the budget is in use: less would forget too much, more would compact again at once. */
const KEEP = 0.5;

const sum = (rows: readonly TranscriptMessage[], count: CountRow): number =>
  rows.reduce((all, row) => all + count(row), 0);

/** Index of the first row of the turn that holds row `index`. */
function turnStart(rows: readonly TranscriptMessage[], index: number): number {
  const turn = rows[index]?.turn;
  let start = index;
  while (start > 0 && rows[start - 1]?.turn === turn) start--;
  return start;
}

/** How many rows from the front to summarize: whole turns, never the present one, until `target` is met. */
function splitAt(input: PlanInput, target: number): number {
  const { rows, turn, count } = input;
  const present = rows.findIndex((row) => row.turn === turn);
  let split = present < 0 ? rows.length : present;
  let kept = sum(rows.slice(split), count);
  while (split > 0) {
    const start = turnStart(rows, split - 1);
    kept += sum(rows.slice(start, split), count);
    if (kept > target) break;
    split = start;
  }
  return split;
}

export function planContext(input: PlanInput): ContextPlan {
  const { rows, budget, count, turn } = input;
  const tokens = sum(rows, count);
  if (tokens <= budget) return { kind: 'fits', rows, tokens };
  const older = rows.slice(0, splitAt(input, budget * KEEP));
  if (input.mayCompact && older.some(({ role }) => role !== 'summary'))
    return { kind: 'compact', older };
  const shrunk = shrink(rows, { turn, budget, count });
  const size = sum(shrunk, count);
  return size <= budget
    ? { kind: 'fits', rows: shrunk, tokens: size }
    : { kind: 'too-long', tokens: size };
}
