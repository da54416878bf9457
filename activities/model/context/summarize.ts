/** The oldest part of a conversation → a summary by the model itself, or, where it gives none, a deterministic one. */
import { partsText } from '../../../contracts/content.ts';
import type { TranscriptMessage } from '../../../contracts/transcript.ts';
import { changeNote } from './changed-arguments.ts';
import { settlementText } from './results.ts';
import { cutMiddle } from '../../../contracts/cut-middle.ts';

export const SUMMARY_INSTRUCTIONS =
  'You compress conversations. Write a summary of the conversation below for the assistant who will go on with it: what the person wants, ' +
  'decisions, facts, names, numbers and file paths that matter, results of tools, and what is still open. No preamble, no comments.';

/** Each row of what is summarized: a tool's long result matters less than that it was asked for. */
const ROW_CHARACTERS = 4_000;

function line(row: TranscriptMessage): string {
  switch (row.role) {
    case 'user':
      return `Person: ${partsText(row.content)}`;
    case 'assistant':
      return `Assistant: ${row.content
        .map((part) =>
          part.type === 'tool-call'
            ? `[calls ${part.name} ${JSON.stringify(part.arguments)}]`
            : part.type === 'text'
              ? part.text
              : '',
        )
        .join(' ')}`;
    case 'tool':
      return `Tool ${row.name}: ${changeNote(row)}${settlementText(row.settlement)}`;
    case 'summary':
      return `Earlier summary: ${row.text}`;
  }
}

/** The conversation as one text of at most so many characters; its middle goes first. */
export const conversationText = (rows: readonly TranscriptMessage[], characters: number): string =>
  cutMiddle(rows.map((row) => cutMiddle(line(row), ROW_CHARACTERS)).join('\n\n'), characters);

/** Without a model: what the person said, shortened. The same rows always give the same text. */
export function deterministicSummary(
  rows: readonly TranscriptMessage[],
  characters: number,
): string {
  const words = rows
    .filter(({ role }) => role === 'user' || role === 'summary')
    .map((row) => `- ${cutMiddle(line(row), 300)}`);
  return cutMiddle(
    `The beginning of the conversation was left out. The person said:\n${words.join('\n')}`,
    characters,
  );
}
