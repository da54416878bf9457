/** Transcript rows → the provider's messages. Pure; artifacts were read before. */
import type { AssistantModelMessage, ModelMessage, ToolResultPart } from 'ai';
import type { ToolSettlement } from '../../../contracts/tools.ts';
import type {
  AssistantPart,
  ToolCallPart,
  TranscriptMessage,
} from '../../../contracts/transcript.ts';
import { changeNote } from './changed-arguments.ts';
import { resultOutput } from './results.ts';
import type { ResultTarget } from './results.ts';
import { saidText } from './said.ts';
import { imagePart } from './seen-images.ts';
import type { SeenImages } from './seen-images.ts';

type AssistantRow = Extract<TranscriptMessage, { role: 'assistant' }>;
type ToolRow = Extract<TranscriptMessage, { role: 'tool' }>;

/** Providers take an object only; what the model sent instead is shown to it as it was. */
const inputOf = (call: ToolCallPart): object =>
  typeof call.arguments === 'object' && call.arguments !== null
    ? call.arguments
    : { invalid: call.arguments };

const assistantPart = (part: AssistantPart) =>
  part.type === 'tool-call'
    ? {
        type: 'tool-call' as const,
        toolCallId: part.callId,
        toolName: part.name,
        input: inputOf(part),
      }
    : { type: 'text' as const, text: part.text };

/** Thoughts go back only in the provider's own form, with its signature; a foreign one would be refused. */
const said = (row: AssistantRow): AssistantPart[] =>
  row.content.filter(
    (part) => part.type === 'tool-call' || (part.type === 'text' && part.text !== ''),
  );

function assistantMessages(row: AssistantRow, provider: string): ModelMessage[] {
  if (row.native?.provider === provider) return row.native.messages as AssistantModelMessage[];
  const content = said(row).map(assistantPart);
  return content.length === 0 ? [] : [{ role: 'assistant', content }];
}

const toolMessage = (
  { callId, name }: ToolCallPart,
  { settlement, ...row }: Pick<ToolRow, 'settlement' | 'arguments'>,
  target: Target,
): ModelMessage => ({
  role: 'tool',
  content: [
    {
      type: 'tool-result',
      toolCallId: callId,
      toolName: name,
      output: noted(resultOutput(settlement, target), changeNote(row)),
    },
  ],
});

function noted(output: ToolResultPart['output'], note: string): ToolResultPart['output'] {
  if (note === '') return output;
  if (output.type === 'content')
    return { ...output, value: [{ type: 'text', text: note.trimEnd() }, ...output.value] };
  return output.type === 'text' || output.type === 'error-text'
    ? { ...output, value: note + output.value }
    : output;
}

const SUMMARY_HEAD = 'Summary of the conversation so far:\n';

/** Calls whose result never came (the turn was cut): every provider refuses a call without one. */
const NEVER_ANSWERED: ToolSettlement = {
  outcome: 'interrupted',
  error: {
    code: 'tool_failed',
    message: 'no result: the turn was interrupted',
    retryable: false,
  },
};

const callsOf = (row: TranscriptMessage): ToolCallPart[] =>
  row.role === 'assistant' ? row.content.filter((part) => part.type === 'tool-call') : [];

/** Who is to read the messages. */
export interface Target extends ResultTarget {
  /** Name under providers. */
  readonly provider: string;
}

type UserRow = Extract<TranscriptMessage, { role: 'user' }>;

function userMessage({ content }: UserRow, images: SeenImages): ModelMessage {
  if (!content.some((part) => part.type === 'artifact' && images.has(part.artifact)))
    return { role: 'user', content: saidText(content) };
  return {
    role: 'user',
    content: content.map((part) => {
      const image = part.type === 'artifact' ? images.get(part.artifact) : undefined;
      return image ? imagePart(image) : { type: 'text', text: saidText([part]) };
    }),
  };
}

/** One row's messages, an assistant's with the results of its calls, in the order of the calls. */
function messagesOf(
  row: TranscriptMessage,
  target: Target,
  results: ReadonlyMap<string, ToolRow>,
): ModelMessage[] {
  if (row.role === 'user') return [userMessage(row, target.images)];
  if (row.role === 'summary') return [{ role: 'user', content: `${SUMMARY_HEAD}${row.text}` }];
  if (row.role === 'tool') return [];
  const answers = callsOf(row).map((call) =>
    toolMessage(call, results.get(call.callId) ?? { settlement: NEVER_ANSWERED }, target),
  );
  return [...assistantMessages(row, target.provider), ...answers];
}

/**
 * The messages for a provider. Results stand right behind their calls, wherever a late one lies in the transcript; the same rows always
 * give the same messages, so that the prefix stays in the provider's cache.
 */
export function toModelMessages(
  rows: readonly TranscriptMessage[],
  target: Target,
): ModelMessage[] {
  const results = new Map(
    rows.flatMap((row) => (row.role === 'tool' ? [[row.callId, row] as const] : [])),
  );
  return rows.flatMap((row) => messagesOf(row, target, results));
}
