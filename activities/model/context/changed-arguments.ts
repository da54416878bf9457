/** A call that ran with other arguments than the model had asked for: it is told with the result, else it would take that for an answer to its own. Pure. */
import type { TranscriptMessage } from '../../../contracts/transcript.ts';

type ToolRow = Extract<TranscriptMessage, { role: 'tool' }>;

/** The result is what matters; the model finds its own, longer arguments in the call. */
const SHOWN_CHARACTERS = 4_000;

/** Stands before the result; empty where the call ran as it was asked for. */
export function changeNote({ arguments: changed }: Pick<ToolRow, 'arguments'>): string {
  if (changed === undefined) return '';
  const json = JSON.stringify(changed);
  const shown = json.length > SHOWN_CHARACTERS ? `${json.slice(0, SHOWN_CHARACTERS)}…` : json;
  return `[A person approved this call with other arguments, and it ran with these: ${shown}]\n`;
}
