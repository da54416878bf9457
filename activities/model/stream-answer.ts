/** One call of a provider: opens the stream, hands the text on as it comes, and returns the whole answer or throws. */
import { isStepCount, streamText } from 'ai';
import type { ModelMessage, TextStreamPart, ToolSet } from 'ai';
import type { ContentKind } from '../../contracts/events.ts';
import type { Usage } from '../../contracts/usage.ts';
import { startDeadlines } from './deadlines.ts';
import type { Deadlines, ModelTimeouts } from './deadlines.ts';
import { ContentRefused, IncompleteAnswer } from './failure.ts';
import type { CallableModel } from './providers.ts';

export interface AnswerRequest {
  readonly model: CallableModel;
  readonly instructions: string;
  readonly messages: ModelMessage[];
  readonly tools: ToolSet;
  readonly maxOutputTokens: number;
}

export interface AnswerSink {
  /** Resolves when more may come. */
  readonly onText: (kind: ContentKind, text: string) => Promise<void>;
  /** The provider has answered with something. */
  readonly onFirstPart: () => void;
}

export interface RawToolCall {
  /** The provider's own id of the call. */
  readonly id: string;
  readonly name: string;
  /** Parsed JSON; the raw string where it is not JSON. */
  readonly input: unknown;
}

export interface Answer {
  readonly text: string;
  readonly reasoning: string;
  readonly calls: readonly RawToolCall[];
  readonly finishReason: string;
  /** Undefined where the provider did not say. */
  readonly usage: Usage | undefined;
  /** The provider's own messages, JSON-safe. */
  readonly native: unknown[];
}

type Part = TextStreamPart<ToolSet>;
type FinishStep = Extract<Part, { type: 'finish-step' }>;

const textIn = (part: Part): { kind: ContentKind; text: string } | undefined => {
  if (part.type === 'text-delta') return { kind: 'text', text: part.text };
  if (part.type === 'reasoning-delta') return { kind: 'reasoning', text: part.text };
  return undefined;
};

/** Parts that say that the model is at work; some providers announce a text long before its first token. */
const FROM_MODEL = new Set<Part['type']>([
  'text-delta',
  'reasoning-delta',
  'tool-input-start',
  'tool-input-delta',
  'tool-call',
  'finish-step',
]);

function usageOf(finish: FinishStep): Usage | undefined {
  const { inputTokens, outputTokens, inputTokenDetails, outputTokenDetails } = finish.usage;
  if (!inputTokens && !outputTokens) return undefined;
  return {
    inputTokens: inputTokens ?? 0,
    outputTokens: outputTokens ?? 0,
    cachedInputTokens: inputTokenDetails.cacheReadTokens ?? 0,
    reasoningTokens: outputTokenDetails.reasoningTokens ?? 0,
  };
}

function checkFinish(finish: FinishStep | undefined): FinishStep {
  if (!finish) throw new IncompleteAnswer('the stream ended without a finish');
  switch (finish.finishReason as string) {
    case 'content-filter':
      throw new ContentRefused();
    case 'error':
    case 'interrupted':
    case 'unknown':
      throw new IncompleteAnswer(`it finished with "${finish.finishReason}"`);
    case 'other':
      // What OpenRouter's library says of a stream that just ended.
      if (finish.rawFinishReason === undefined)
        throw new IncompleteAnswer('the stream ended without a finish');
      return finish;
    default:
      return finish;
  }
}

/** Reads a stream that may not notice the signal by itself: an interrupt must not wait for the provider. */
async function* untilAborted<T>(source: AsyncIterable<T>, signal: AbortSignal): AsyncGenerator<T> {
  const aborted = Promise.withResolvers<never>();
  aborted.promise.catch(() => undefined);
  const onAbort = (): void => aborted.reject(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  if (signal.aborted) onAbort();
  const iterator = source[Symbol.asyncIterator]();
  try {
    for (;;) {
      const next = await Promise.race([iterator.next(), aborted.promise]);
      if (next.done === true) return;
      yield next.value;
    }
  } finally {
    signal.removeEventListener('abort', onAbort);
    // Not awaited: it may wait for the very provider that is being left.
    void Promise.resolve(iterator.return?.()).catch(() => undefined);
  }
}

class Collector {
  readonly calls: RawToolCall[] = [];
  text = '';
  reasoning = '';
  finish: FinishStep | undefined;
  readonly #sink: AnswerSink;
  readonly #deadlines: Deadlines;
  #heard = false;

  constructor(sink: AnswerSink, deadlines: Deadlines) {
    this.#sink = sink;
    this.#deadlines = deadlines;
  }

  async take(part: Part): Promise<void> {
    if (part.type === 'error') throw part.error;
    if (FROM_MODEL.has(part.type)) this.#hear();
    const delta = textIn(part);
    if (delta) await this.#say(delta.kind, delta.text);
    else if (part.type === 'tool-call')
      this.calls.push({
        id: part.toolCallId,
        name: part.toolName,
        input: part.input,
      });
    else if (part.type === 'finish-step') this.finish = part;
  }

  #hear(): void {
    this.#deadlines.sawPart();
    if (!this.#heard) this.#sink.onFirstPart();
    this.#heard = true;
  }

  async #say(kind: ContentKind, text: string): Promise<void> {
    if (kind === 'text') this.text += text;
    else this.reasoning += text;
    this.#deadlines.pause();
    await this.#sink.onText(kind, text);
    this.#deadlines.sawPart();
  }
}

function open(request: AnswerRequest, abortSignal: AbortSignal) {
  const { model } = request;
  return streamText({
    model: model.language,
    instructions: request.instructions,
    messages: request.messages,
    tools: request.tools,
    // Temporal's policy is the one owner of retries.
    maxRetries: 0,
    streamRetries: 0,
    stopWhen: isStepCount(1),
    maxOutputTokens: request.maxOutputTokens,
    abortSignal,
    // Without a handler the library prints the error, with whatever the provider echoed.
    onError: () => undefined,
    ...(model.settings.temperature === undefined
      ? {}
      : { temperature: model.settings.temperature }),
    // Nothing of a conversation is left with the provider: the journal is its only home.
    ...(model.kind === 'openai' ? { providerOptions: { openai: { store: false } } } : {}),
  });
}

/** @throws the provider's error, a ModelTimeout, an IncompleteAnswer, a ContentRefused, or the reason of `stop` */
export async function streamAnswer(
  request: AnswerRequest,
  sink: AnswerSink,
  { stop, timeouts }: { stop: AbortSignal; timeouts: ModelTimeouts },
): Promise<Answer> {
  using deadlines = startDeadlines(timeouts);
  const abort = new AbortController();
  const signal = AbortSignal.any([stop, deadlines.signal, abort.signal]);
  const collector = new Collector(sink, deadlines);
  try {
    const result = open(request, signal);
    for await (const part of untilAborted(result.stream, signal)) await collector.take(part);
    const finish = checkFinish(collector.finish);
    const native = (await result.finalStep).response.messages;
    return {
      text: collector.text,
      reasoning: collector.reasoning,
      calls: collector.calls,
      finishReason: finish.finishReason,
      usage: usageOf(finish),
      native: JSON.parse(JSON.stringify(native)) as unknown[],
    };
  } catch (error) {
    // The library wraps or hides a reason that is ours.
    throw signal.aborted ? signal.reason : error;
  } finally {
    // Lets go of the connection whatever ended the loop.
    abort.abort();
  }
}
