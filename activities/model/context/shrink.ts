/** The deterministic way to make a conversation shorter, when there is nothing left to summarize: cut what is longest-winded and oldest. Pure. */
import { cutMiddle } from '../../../contracts/cut-middle.ts';
import type { MessageId } from '../../../contracts/ids.ts';
import type { TranscriptMessage } from '../../../contracts/transcript.ts';
import { changeNote } from './changed-arguments.ts';
import type { CountRow } from './measure.ts';
import { settlementText } from './results.ts';

interface ShrinkLimits {
  readonly turn: MessageId;
  readonly budget: number;
  readonly count: CountRow;
}

/** What is left of a tool's result or an old answer: enough to see what it was. */
const STUB_CHARACTERS = 400;

/** The same row with little text; rows that must stay whole are returned as they are. */
function stub(row: TranscriptMessage): TranscriptMessage {
  switch (row.role) {
    case 'tool':
      return {
        ...row,
        arguments: undefined,
        settlement: {
          outcome: 'completed',
          result: cutMiddle(changeNote(row) + settlementText(row.settlement), STUB_CHARACTERS),
        },
      };
    case 'assistant':
      return {
        ...row,
        native: undefined,
        content: row.content.map((part) =>
          part.type === 'tool-call'
            ? { ...part, arguments: { cut: true } }
            : { ...part, text: cutMiddle(part.text, STUB_CHARACTERS) },
        ),
      };
    case 'summary':
      return { ...row, text: cutMiddle(row.text, STUB_CHARACTERS) };
    case 'user':
      return row;
  }
}

/**
 * Oldest first: tool results, then answers and the summary become stubs, then whole rows of earlier turns go, then this turn's steps.
 * The person's words of this turn stay whole.
 */
export function shrink(
  rows: readonly TranscriptMessage[],
  limits: ShrinkLimits,
): TranscriptMessage[] {
  const { count, budget, turn } = limits;
  const kept: (TranscriptMessage | undefined)[] = [...rows];
  let tokens = rows.reduce((all, row) => all + count(row), 0);
  const apply = (
    matches: (row: TranscriptMessage) => boolean,
    change: (row: TranscriptMessage) => TranscriptMessage | undefined,
  ): void => {
    for (let i = 0; i < kept.length && tokens > budget; i++) {
      const row = kept[i];
      if (!row || !matches(row)) continue;
      const changed = change(row);
      const size = changed ? count(changed) : 0;
      if (size >= count(row)) continue;
      tokens += size - count(row);
      kept[i] = changed;
    }
  };
  const isPresentUser = (row: TranscriptMessage): boolean =>
    row.role === 'user' && row.turn === turn;
  apply(({ role }) => role === 'tool', stub);
  apply(({ role }) => role === 'assistant' || role === 'summary', stub);
  apply(
    (row) => row.turn !== turn,
    () => undefined,
  );
  apply(
    (row) => !isPresentUser(row),
    () => undefined,
  );
  return kept.filter((row) => row !== undefined);
}
