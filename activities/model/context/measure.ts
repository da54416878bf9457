/** Tokens of transcript rows, counted once a row: a row never changes, and a conversation near its window is long. */
import type { TranscriptMessage } from '../../../contracts/transcript.ts';
import { changeNote } from './changed-arguments.ts';
import { settlementText } from './results.ts';
import { saidText } from './said.ts';
import { TOKENS_PER_MESSAGE, mostTokens } from './tokens.ts';
import type { TokenCounter } from './tokens.ts';

/** Tokens of a row. */
export type CountRow = (row: TranscriptMessage) => number;

/** Everything of a row that the provider is sent, as text. */
export function rowText(row: TranscriptMessage): string {
  switch (row.role) {
    case 'user':
      return saidText(row.content);
    case 'assistant':
      return row.native
        ? JSON.stringify(row.native.messages)
        : row.content
            .map((part) =>
              part.type === 'tool-call'
                ? `${part.callId} ${part.name} ${JSON.stringify(part.arguments)}`
                : part.text,
            )
            .join('\n');
    case 'tool':
      return `${row.callId} ${row.name} ${changeNote(row)}${settlementText(row.settlement)}`;
    case 'summary':
      return row.text;
  }
}

interface Measures {
  /** Of `rowText`, in UTF-16 units. */
  readonly characters: number;
  /** See {@link mostTokens}. */
  readonly mostTokens: number;
  /** About what the row takes of the worker's memory. */
  readonly memory: number;
}

/** Of a row beside its texts. */
const OBJECT_BYTES = 500;
const measures = new WeakMap<TranscriptMessage, Measures>();

/** What is asked of each row for each request, worked out once as long as the row is remembered. */
export function measured(row: TranscriptMessage): Measures {
  const before = measures.get(row);
  if (before) return before;
  const text = rowText(row);
  const memory = OBJECT_BYTES + 2 * JSON.stringify(row).length;
  const measure = { characters: text.length, mostTokens: mostTokens(text), memory };
  measures.set(row, measure);
  return measure;
}

/** Enough for hundreds of long sessions; an entry is a short key and a number. */
const REMEMBERED_ROWS = 20_000;

export class RowCounts {
  readonly #counts = new Map<string, number>();

  /** @param scope the session and the tokenizer */
  count(scope: string, row: TranscriptMessage, counter: TokenCounter): number {
    // Joined, not a template: V8 keeps that as a tree of its pieces, half a kilobyte here, and each with the text it was cut from.
    const key = [scope, row.id, row.role, measured(row).characters].join('/');
    let tokens = this.#counts.get(key);
    if (tokens === undefined) {
      tokens = counter.count(rowText(row));
      this.#counts.set(key, tokens);
      const oldest = this.#counts.keys().next().value;
      if (this.#counts.size > REMEMBERED_ROWS && oldest !== undefined) this.#counts.delete(oldest);
    }
    return tokens + TOKENS_PER_MESSAGE * messagesIn(row);
  }
}

/** An assistant's row with calls becomes one message, each call's result another: the overhead counts for calls too. */
export const messagesIn = (row: TranscriptMessage): number =>
  row.role === 'assistant' ? 1 + row.content.length : 1;
