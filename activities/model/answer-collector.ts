/** Puts an answer together from the parts of its stream, and hands its text on as it comes. */
import type { LanguageModelStreamPart, ToolSet } from 'ai';
import type { ContentKind } from '../../contracts/events.ts';
import type { Usage } from '../../contracts/usage.ts';
import type { Deadlines } from './deadlines.ts';
import { ContentRefused, IncompleteAnswer } from './failure.ts';

export interface AnswerSink {
  /** Resolves when more may come, and never rejects; nothing to wait for where it may come at once. */
  readonly onText: (kind: ContentKind, text: string) => Promise<void> | undefined;
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

/** A part of the provider's own message; with its metadata (signatures, ids) where it has any. */
export interface NativePart {
  readonly type: 'text' | 'reasoning' | 'tool-call';
  readonly text?: string;
  readonly toolCallId?: string;
  readonly toolName?: string;
  readonly input?: unknown;
  readonly providerOptions?: unknown;
}

export interface Answer {
  readonly text: string;
  readonly reasoning: string;
  readonly calls: readonly RawToolCall[];
  readonly finishReason: string;
  /** Undefined where the provider did not say. */
  readonly usage: Usage | undefined;
  /** The answer in the provider's own form. */
  readonly native: readonly NativePart[];
}

export type StreamPart = LanguageModelStreamPart<ToolSet>;
type Finish = Extract<StreamPart, { type: 'model-call-end' }>;

interface Block {
  readonly kind: ContentKind;
  text: string;
  metadata: unknown;
}

/** Parts that say that the model is at work; some providers announce a text long before its first token. */
const FROM_MODEL = new Set<StreamPart['type']>([
  'text-delta',
  'reasoning-delta',
  'tool-input-start',
  'tool-input-delta',
  'tool-call',
  'model-call-end',
]);

const FAILED = new Set(['error', 'interrupted']);

function usageOf({ usage }: Finish): Usage | undefined {
  const { inputTokens, outputTokens, inputTokenDetails, outputTokenDetails } = usage;
  if (!inputTokens && !outputTokens) return undefined;
  return {
    inputTokens: inputTokens ?? 0,
    outputTokens: outputTokens ?? 0,
    cachedInputTokens: inputTokenDetails.cacheReadTokens ?? 0,
    reasoningTokens: outputTokenDetails.reasoningTokens ?? 0,
  };
}

function checkFinish(finish: Finish | undefined): Finish {
  const incomplete = new IncompleteAnswer('the stream ended without a finish');
  if (!finish) throw incomplete;
  const { finishReason, rawFinishReason } = finish;
  // What OpenRouter's library says of a stream that just ended.
  if (finishReason === 'other' && rawFinishReason === undefined) throw incomplete;
  if (finishReason === 'content-filter') throw new ContentRefused();
  // OpenRouter finishes with "error" where its own provider failed in mid-stream; its library calls that "other".
  const failed = [finishReason, rawFinishReason].find((reason) => FAILED.has(reason ?? ''));
  if (failed !== undefined) throw new IncompleteAnswer(`it finished with "${failed}"`);
  return finish;
}

type TextPart = Extract<StreamPart, { type: `${ContentKind}-${'start' | 'delta' | 'end'}` }>;

const TEXT_PARTS = new Set<StreamPart['type']>([
  'text-start',
  'text-delta',
  'text-end',
  'reasoning-start',
  'reasoning-delta',
  'reasoning-end',
]);

const isText = (part: StreamPart): part is TextPart => TEXT_PARTS.has(part.type);

const withMetadata = (part: NativePart, metadata: unknown): NativePart =>
  metadata === undefined ? part : { ...part, providerOptions: metadata };

export class AnswerCollector {
  readonly #sink: AnswerSink;
  readonly #deadlines: Deadlines;
  /** In the order in which the model began them. */
  readonly #content: (Block | NativePart)[] = [];
  readonly #open = new Map<string, Block>();
  readonly #calls: RawToolCall[] = [];
  #finish: Finish | undefined;
  #heard = false;

  constructor(sink: AnswerSink, deadlines: Deadlines) {
    this.#sink = sink;
    this.#deadlines = deadlines;
  }

  /** Resolves when the next part may come. @throws the provider's error */
  take(part: StreamPart): Promise<void> | undefined {
    if (FROM_MODEL.has(part.type)) this.#hear();
    if (part.type === 'error') throw part.error;
    if (isText(part))
      return this.#continue(part.type.startsWith('text') ? 'text' : 'reasoning', part);
    if (part.type === 'tool-call') this.#call(part);
    else if (part.type === 'model-call-end') this.#finish = part;
    return undefined;
  }

  /** @throws {IncompleteAnswer} {@link ContentRefused} */
  answer(): Answer {
    const finish = checkFinish(this.#finish);
    return {
      text: this.#textOf('text'),
      reasoning: this.#textOf('reasoning'),
      calls: this.#calls,
      finishReason: finish.finishReason,
      usage: usageOf(finish),
      native: this.#content.map((part) =>
        'kind' in part ? withMetadata({ type: part.kind, text: part.text }, part.metadata) : part,
      ),
    };
  }

  #hear(): void {
    this.#deadlines.sawPart();
    if (!this.#heard) this.#sink.onFirstPart();
    this.#heard = true;
  }

  #continue(kind: ContentKind, part: TextPart): Promise<void> | undefined {
    const key = `${kind} ${part.id}`;
    let block = this.#open.get(key);
    if (!block) {
      block = { kind, text: '', metadata: undefined };
      this.#open.set(key, block);
      this.#content.push(block);
    }
    block.metadata = part.providerMetadata ?? block.metadata;
    if (!('text' in part)) return undefined;
    block.text += part.text;
    const waiting = this.#sink.onText(kind, part.text);
    if (!waiting) return undefined;
    this.#deadlines.pause();
    return waiting.then(() => this.#deadlines.sawPart());
  }

  #call(part: Extract<StreamPart, { type: 'tool-call' }>): void {
    const { toolCallId, toolName, providerMetadata } = part;
    const input: unknown = part.input;
    this.#calls.push({ id: toolCallId, name: toolName, input });
    this.#content.push(
      withMetadata({ type: 'tool-call', toolCallId, toolName, input }, providerMetadata),
    );
  }

  #textOf(kind: ContentKind): string {
    return this.#content
      .map((part) => ('kind' in part && part.kind === kind ? part.text : ''))
      .join('');
  }
}
