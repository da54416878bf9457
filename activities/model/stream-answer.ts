/**
 * One call of a provider: opens the stream, hands the text on as it comes, and returns the whole answer or throws.
 *
 * It uses the AI SDK's single model call, not `streamText`: of the latter's loop over steps, retries and promises of the whole nothing is
 * needed here, and it costs 36 µs of CPU a token against 6 (measured, Node 24): at 20,000 tokens a second two thirds of a core.
 */
import {
  experimental_streamLanguageModelCall as streamLanguageModelCall,
  jsonSchema,
  tool,
} from 'ai';
import type { JSONObject } from '@ai-sdk/provider';
import type { ModelMessage, ToolSet } from 'ai';
import { orAbort, readParts } from './abortable.ts';
import { AnswerCollector } from './answer-collector.ts';
import type { Answer, AnswerSink } from './answer-collector.ts';
import { startDeadlines } from './deadlines.ts';
import type { ModelTimeouts } from './deadlines.ts';
import type { CallableModel } from './providers.ts';

/** What a model is told of a tool. */
export interface ToolDeclaration {
  readonly name: string;
  readonly description: string;
  /** JSON Schema of the arguments, an object. */
  readonly inputSchema: Readonly<Record<string, unknown>>;
}

export interface AnswerRequest {
  readonly model: CallableModel;
  readonly instructions: string;
  readonly messages: ModelMessage[];
  readonly tools: readonly ToolDeclaration[];
  readonly maxOutputTokens: number;
}

export interface AskOptions {
  readonly stop: AbortSignal;
  readonly timeouts: ModelTimeouts;
}

/** @throws the provider's error, a ModelTimeout, an IncompleteAnswer, a ContentRefused (or what a thread made of them), or the reason of `stop` */
export type AskModel = (
  request: AnswerRequest,
  sink: AnswerSink,
  options: AskOptions,
) => Promise<Answer>;

const toolSet = (tools: readonly ToolDeclaration[]): ToolSet =>
  Object.fromEntries(
    tools.map(({ name, description, inputSchema }) => [
      name,
      // Without `execute`: the library hands the call back and runs nothing.
      tool({ description, inputSchema: jsonSchema(inputSchema) }),
    ]),
  );

/** What only one provider understands. */
const PROVIDER_OPTIONS: Partial<Record<CallableModel['kind'], Record<string, JSONObject>>> = {
  // Nothing of a conversation is left with the provider: the journal is its only home.
  openai: { openai: { store: false } },
  // The beginning of a conversation is the same at each step; this provider has to be asked to remember it.
  anthropic: { anthropic: { cacheControl: { type: 'ephemeral' } } },
};

/** One request, without any retry: Temporal's policy is the one owner of those. */
const open = (request: AnswerRequest, abortSignal: AbortSignal) => {
  const { model, instructions, messages, tools, maxOutputTokens } = request;
  const { temperature } = model.settings;
  return streamLanguageModelCall({
    model: model.language,
    messages,
    tools: toolSet(tools),
    maxOutputTokens,
    abortSignal,
    providerOptions: PROVIDER_OPTIONS[model.kind] ?? {},
    ...(instructions === '' ? {} : { instructions }),
    ...(temperature === undefined ? {} : { temperature }),
  });
};

/** In this thread; see {@link AskModel}. */
export async function streamAnswer(
  request: AnswerRequest,
  sink: AnswerSink,
  { stop, timeouts }: AskOptions,
): Promise<Answer> {
  using deadlines = startDeadlines(timeouts);
  const abort = new AbortController();
  const signal = AbortSignal.any([stop, deadlines.signal, abort.signal]);
  const collector = new AnswerCollector(sink, deadlines);
  try {
    const { stream } = await orAbort(open(request, signal), signal);
    await readParts(stream, signal, (part) => collector.take(part));
    return collector.answer();
  } catch (error) {
    // A library wraps or hides a reason that is ours.
    throw signal.aborted ? signal.reason : error;
  } finally {
    // Lets go of the connection whatever ended the loop.
    abort.abort();
  }
}
