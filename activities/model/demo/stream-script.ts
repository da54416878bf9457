/** Turns a scripted reply into a provider's stream, word by word. Used by the demo model and by the kit's scripted model. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { LanguageModelV4StreamPart, LanguageModelV4Usage } from '@ai-sdk/provider';

export interface ScriptedStream {
  readonly text: string;
  readonly reasoning?: string | undefined;
  readonly calls: readonly {
    readonly name: string;
    /** Sent as JSON; a string is sent as it is, JSON or not. */
    readonly input: unknown;
  }[];
  readonly finishReason?: 'stop' | 'length' | 'content-filter' | undefined;
  readonly usage: {
    readonly inputTokens: number;
    readonly outputTokens: number;
  };
  readonly wordDelayMs: number;
  /** Ends here, after so many words, with this error; without one the stream just ends, without a finish. */
  readonly breakOff?: { readonly afterWords: number; readonly error?: unknown } | undefined;
}

const usageOf = (usage: ScriptedStream['usage']): LanguageModelV4Usage => ({
  inputTokens: {
    total: usage.inputTokens,
    noCache: usage.inputTokens,
    cacheRead: 0,
    cacheWrite: 0,
  },
  outputTokens: {
    total: usage.outputTokens,
    text: usage.outputTokens,
    reasoning: 0,
  },
});

/** Words with the space that follows them: joined they are the text again. */
export const wordsOf = (text: string): string[] => text.match(/\S+\s*|\s+/g) ?? [];

function* parts(script: ScriptedStream): Generator<LanguageModelV4StreamPart> {
  yield { type: 'stream-start', warnings: [] };
  if (script.reasoning) {
    yield { type: 'reasoning-start', id: 'r' };
    for (const delta of wordsOf(script.reasoning))
      yield { type: 'reasoning-delta', id: 'r', delta };
    yield { type: 'reasoning-end', id: 'r' };
  }
  if (script.text) {
    yield { type: 'text-start', id: 't' };
    for (const delta of wordsOf(script.text)) yield { type: 'text-delta', id: 't', delta };
    yield { type: 'text-end', id: 't' };
  }
  for (const [index, { name, input }] of script.calls.entries())
    yield {
      type: 'tool-call',
      toolCallId: `scripted-${index}`,
      toolName: name,
      input: typeof input === 'string' ? input : JSON.stringify(input),
    };
  const unified = script.calls.length > 0 ? 'tool-calls' : (script.finishReason ?? 'stop');
  yield {
    type: 'finish',
    finishReason: { unified, raw: unified },
    usage: usageOf(script.usage),
  };
}

const isWord = (part: LanguageModelV4StreamPart): boolean =>
  part.type === 'text-delta' || part.type === 'reasoning-delta';

async function* paced(
  script: ScriptedStream,
  signal: AbortSignal | undefined,
): AsyncGenerator<LanguageModelV4StreamPart> {
  let words = 0;
  for (const part of parts(script)) {
    signal?.throwIfAborted();
    const end = script.breakOff;
    if (end && words >= end.afterWords && part.type !== 'stream-start') {
      if (end.error !== undefined) throw end.error;
      return;
    }
    if (isWord(part) && words++ > 0 && script.wordDelayMs > 0)
      await sleep(script.wordDelayMs, undefined, signal ? { signal } : {});
    yield part;
  }
}

/** @throws (in the stream) the signal's reason when it aborts */
export const streamScript = (
  script: ScriptedStream,
  signal: AbortSignal | undefined,
): ReadableStream<LanguageModelV4StreamPart> => ReadableStream.from(paced(script, signal));
