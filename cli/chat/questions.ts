/** What a person is asked in a chat: whether a call may run. Pure. */
import type { ConversationView, ToolCallView } from '../../client/index.ts';
import type { ApprovalDecision } from '../../contracts/approvals.ts';
import { bothEnds, callLine, json, printable } from '../format.ts';

export type Question = ToolCallView & { readonly approval: NonNullable<ToolCallView['approval']> };

const isOpen = (call: ToolCallView): call is Question =>
  call.approval !== null && call.approval.settlement === null && call.state !== 'settled';

/** Of the open turn, in the order in which the model asked. */
export const questionsIn = ({ turns }: ConversationView): readonly Question[] =>
  (turns.at(-1)?.steps ?? []).flatMap(({ calls }) => calls.filter(isOpen));

/** What a person is shown of the arguments; `perdure approvals show` has the rest. */
const SHOWN_CHARACTERS = 4_000;

const CHOICES = 'May it run? y yes · n no · e yes, with other arguments';

/** The line of the call itself, as in the conversation. */
const lineOf = ({ name, arguments: input, artifact }: Question): string =>
  callLine(name, input, artifact);

/** @param isShown whether this line is what the person sees last: then the call is not shown a second time */
export function questionText(
  question: Question,
  isShown: (line: string) => boolean = () => false,
): string {
  const { preview, rule, reason } = question.approval;
  const why = reason === null ? rule : `${rule}: ${reason}`;
  return [
    `? ${printable(question.name)} waits for your approval (${printable(why)})`,
    ...(preview === null
      ? callText(question, isShown(lineOf(question)))
      : [printable(preview).trimEnd()]),
    CHOICES,
  ].join('\n');
}

/** In a line a person reads calls that run anyway; of what they are asked about they see all. */
function callText(question: Question, isShown: boolean): readonly string[] {
  const { name, arguments: input, artifact } = question;
  const line = lineOf(question);
  const isCut = line.endsWith('…') && artifact === null;
  if (!isCut) return isShown ? [] : [line];
  const whole = bothEnds(printable(JSON.stringify(input, null, 2)), SHOWN_CHARACTERS);
  return isShown ? [whole] : [`  ⚙ ${name}`, whole];
}

/** The arguments as a line that can be edited; empty where they are not in the event. */
export const editable = ({ arguments: input }: Question): string => json(input);

/** `why` and `edit` ask for another line. */
export type Choice = ApprovalDecision | 'why' | 'edit' | undefined;

/** What a line means as an answer; undefined where it is none: then it is a message like any other. */
export function choiceOf(line: string): Choice {
  if (/^y(es)?$/i.test(line)) return { decision: 'approve' };
  if (/^e(dit)?$/i.test(line)) return 'edit';
  if (/^n(o)?$/i.test(line)) return 'why';
  const reason = /^no?[,:]?\s+(\S.*)$/i.exec(line)?.[1];
  // "no problem" is a message: a reason on the same line stands behind "n".
  return reason !== undefined && /^n[,:]?\s/i.test(line)
    ? { decision: 'reject', reason }
    : undefined;
}

export const rejection = (reason: string): ApprovalDecision =>
  reason === '' ? { decision: 'reject' } : { decision: 'reject', reason };

/** @throws {Error} with words for the person, where it is no JSON object */
export function edited(line: string): ApprovalDecision {
  try {
    const input: unknown = JSON.parse(line);
    if (typeof input === 'object' && input !== null && !Array.isArray(input))
      return {
        decision: 'approve',
        arguments: input as NonNullable<ApprovalDecision['arguments']>,
      };
  } catch {
    // Said below, as for JSON that is no object.
  }
  throw new Error('The arguments must be a JSON object; nothing was decided.');
}
