/** Transcript rows → the provider's messages. Pure; artifacts were read before. */
import type { AssistantModelMessage, ModelMessage } from 'ai';
import type { ArtifactRef, Part } from '../../../contracts/content.ts';
import type { ToolSettlement } from '../../../contracts/tools.ts';
import type {
  AssistantPart,
  ToolCallPart,
  TranscriptMessage,
} from '../../../contracts/transcript.ts';
import type { SeenImages } from './seen-images.ts';

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
  const { bytes, mediaType, artifact: id } = artifact;
  const rest =
    text === ''
      ? `[The result is a file, ${mediaType}, ${bytes} bytes, kept as ${id}; it cannot be shown.]`
      : `[The whole result has ${bytes} bytes and is kept as ${id}.]`;
  return `${text}\n${rest}`.trim();
}

/** A file that the model is not shown: it is told what it is. */
const fileText = ({ name, artifact, mediaType, bytes }: ArtifactRef): string =>
  `[The file ${name ?? artifact}, ${mediaType}, ${bytes} bytes, cannot be shown.]`;

/** What a model reads of a person's message that shows it no images; no shorter than with them. */
export const saidText = (content: readonly Part[]): string =>
  content.map((part) => (part.type === 'text' ? part.text : fileText(part))).join('\n');

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

/** Who is to read the messages. */
export interface Target {
  /** Name under providers. */
  readonly provider: string;
  /** The images that it is shown. */
  readonly images: SeenImages;
}

/** Only OpenAI asks for it: how much of an image its models look at, which bounds its tokens. */
const IMAGE_OPTIONS = { openai: { imageDetail: 'high' } };

type UserRow = Extract<TranscriptMessage, { role: 'user' }>;

function userMessage({ content }: UserRow, images: SeenImages): ModelMessage {
  if (!content.some((part) => part.type === 'artifact' && images.has(part.artifact)))
    return { role: 'user', content: saidText(content) };
  return {
    role: 'user',
    content: content.map((part) => {
      const image = part.type === 'artifact' ? images.get(part.artifact) : undefined;
      if (!image) return { type: 'text', text: saidText([part]) };
      const { bytes: data, mediaType } = image;
      return { type: 'file', data, mediaType, providerOptions: IMAGE_OPTIONS };
    }),
  };
}

/** One row's messages, an assistant's with the results of its calls, in the order of the calls. */
function messagesOf(
  row: TranscriptMessage,
  { provider, images }: Target,
  results: ReadonlyMap<string, ToolRow>,
): ModelMessage[] {
  if (row.role === 'user') return [userMessage(row, images)];
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
  target: Target,
): ModelMessage[] {
  const results = new Map(
    rows.flatMap((row) => (row.role === 'tool' ? [[row.callId, row] as const] : [])),
  );
  return rows.flatMap((row) => messagesOf(row, target, results));
}
