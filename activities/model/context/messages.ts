/** Transcript rows → the provider's messages. Pure; artifacts were read before. */
import type { AssistantModelMessage, ModelMessage } from 'ai';
import { partsText } from '../../../contracts/content.ts';
import type { ToolSettlement } from '../../../contracts/tools.ts';
import type {
  AssistantPart,
  ToolCallPart,
  TranscriptMessage,
} from '../../../contracts/transcript.ts';

type AssistantRow = Extract<TranscriptMessage, { role: 'assistant' }>;
type ToolRow = Extract<TranscriptMessage, { role: 'tool' }>;

/** What the model is told about how a call ended; said in words, so that "unknown" is not taken for "failed". */
export function settlementText(settlement: ToolSettlement): string {
  if (settlement.outcome !== 'completed')
    return `The call ended as ${settlement.outcome}: ${settlement.error.message}`;
  const { result, artifact } = settlement;
  const text =
    result === undefined ? '' : typeof result === 'string' ? result : JSON.stringify(result);
  if (!artifact) return text === '' ? '(no result)' : text;
  return `${text}\n[The whole result has ${artifact.bytes} bytes and is kept as ${artifact.artifact}.]`.trim();
}

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

const toolMessage = (callId: string, name: string, settlement: ToolSettlement): ModelMessage => ({
  role: 'tool',
  content: [
    {
      type: 'tool-result',
      toolCallId: callId,
      toolName: name,
      output: {
        type: settlement.outcome === 'completed' ? 'text' : 'error-text',
        value: settlementText(settlement),
      },
    },
  ],
});

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

/** One row's messages, an assistant's with the results of its calls, in the order of the calls. */
function messagesOf(
  row: TranscriptMessage,
  provider: string,
  results: ReadonlyMap<string, ToolRow>,
): ModelMessage[] {
  if (row.role === 'user') return [{ role: 'user', content: partsText(row.content) }];
  if (row.role === 'summary') return [{ role: 'user', content: `${SUMMARY_HEAD}${row.text}` }];
  if (row.role === 'tool') return [];
  const answers = callsOf(row).map(({ callId, name }) =>
    toolMessage(callId, name, results.get(callId)?.settlement ?? NEVER_ANSWERED),
  );
  return [...assistantMessages(row, provider), ...answers];
}

/**
 * The messages for a provider. Results stand right behind their calls, wherever a late one lies in the transcript; the same rows always
 * give the same messages, so that the prefix stays in the provider's cache.
 */
export function toModelMessages(
  rows: readonly TranscriptMessage[],
  provider: string,
): ModelMessage[] {
  const results = new Map(
    rows.flatMap((row) => (row.role === 'tool' ? [[row.callId, row] as const] : [])),
  );
  return rows.flatMap((row) => messagesOf(row, provider, results));
}
