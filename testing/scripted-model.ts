/**
 * A model for tests that says what its script says, in order. Give it to a worker in place of the configured providers:
 *
 *     const model = scriptedModel([{ text: 'Hello.' }, { calls: [{ name: 'list_files', input: { path: '.' } }] }]);
 *     createSessionActivities({ …, models: model.resolver });
 *     … run the session …
 *     model.assertDone();
 *
 * For the same process only; `tests/support/model-server.ts` is a provider over HTTP for tests with several.
 */
import type { LanguageModelV4, LanguageModelV4CallOptions } from '@ai-sdk/provider';
import type { ModelResolver } from '../activities/model/providers.ts';
import { streamScript, wordsOf } from '../activities/model/demo/stream-script.ts';
import { PerdureError } from '../contracts/perdure-error.ts';
import { modelSchema } from '../contracts/settings.ts';
import type { ModelSettings } from '../contracts/settings.ts';

/** One reply of the model. */
export interface ScriptedAnswer {
  readonly text?: string;
  readonly reasoning?: string;
  /** Tool calls; an `input` that is a string is sent as it is, JSON or not. */
  readonly calls?: readonly { readonly name: string; readonly input: unknown }[];
  readonly finishReason?: 'stop' | 'length' | 'content-filter';
  /** Tokens; estimated where absent. */
  readonly usage?: { readonly inputTokens: number; readonly outputTokens: number };
  /** Milliseconds between two words; the model's own pace where absent. */
  readonly wordDelayMs?: number;
  /** Thrown instead of the answer, or after so many words of it. `undefined` as error: the stream just ends. */
  readonly failure?: { readonly afterWords?: number; readonly error?: unknown };
}

/** A reply, or what makes one of the request. */
export type ScriptEntry = ScriptedAnswer | ((request: ScriptedRequest) => ScriptedAnswer);

/** What the model was asked. */
export interface ScriptedRequest {
  /** From 1. */
  readonly number: number;
  readonly prompt: LanguageModelV4CallOptions['prompt'];
  readonly tools: readonly string[];
  readonly maxOutputTokens: number | undefined;
}

export interface ScriptedModelOptions {
  /** Milliseconds between two words; 0 where absent. */
  readonly wordDelayMs?: number;
  /** Window, prices and so on, as under `models` in perdure.yaml. */
  readonly settings?: Partial<ModelSettings>;
}

export interface ScriptedModel {
  /** Answers to every name of a model. */
  readonly resolver: ModelResolver;
  /** All requests so far, in order. */
  readonly requests: readonly ScriptedRequest[];
  /** Adds to the end of the script. */
  add(...entries: ScriptEntry[]): void;
  /** @throws where answers are left over, or a request found none */
  assertDone(): void;
}

const promptWords = (options: LanguageModelV4CallOptions): number =>
  wordsOf(JSON.stringify(options.prompt)).length;

const requestOf = (call: LanguageModelV4CallOptions, number: number): ScriptedRequest => ({
  number,
  prompt: call.prompt,
  tools: (call.tools ?? []).map(({ name }) => name),
  maxOutputTokens: call.maxOutputTokens,
});

function streamOf(
  answer: ScriptedAnswer,
  call: LanguageModelV4CallOptions,
  options: ScriptedModelOptions,
) {
  const { failure, text = '' } = answer;
  if (failure && failure.afterWords === undefined && failure.error !== undefined)
    throw failure.error;
  const script = {
    text,
    reasoning: answer.reasoning,
    calls: answer.calls ?? [],
    finishReason: answer.finishReason,
    usage: answer.usage ?? { inputTokens: promptWords(call), outputTokens: wordsOf(text).length },
    wordDelayMs: answer.wordDelayMs ?? options.wordDelayMs ?? 0,
    ...(failure ? { breakOff: { afterWords: failure.afterWords ?? 0, error: failure.error } } : {}),
  };
  return streamScript(script, call.abortSignal);
}

const LANGUAGE = {
  specificationVersion: 'v4',
  provider: 'scripted',
  supportedUrls: {},
  doGenerate: () => Promise.reject(new Error('the scripted model only streams')),
} as const;

/**
 * @param script the answers, one a request
 * @returns a model that refuses every further request with `model_rejected`, which fails the turn at once and says so
 */
export function scriptedModel(
  script: readonly ScriptEntry[],
  options: ScriptedModelOptions = {},
): ScriptedModel {
  const left = [...script];
  const requests: ScriptedRequest[] = [];
  let missing = 0;

  const next = (call: LanguageModelV4CallOptions): ScriptedAnswer => {
    const request = requestOf(call, requests.length + 1);
    requests.push(request);
    const entry = left.shift();
    if (entry) return typeof entry === 'function' ? entry(request) : entry;
    missing++;
    throw new PerdureError(
      'model_rejected',
      `The scripted model has no answer left for request ${request.number}.`,
    );
  };
  // Async, so that a missing answer is a rejection as a provider's would be.
  const doStream: LanguageModelV4['doStream'] = async (call) =>
    Promise.resolve({ stream: streamOf(next(call), call, options) });

  return {
    requests,
    add: (...entries) => void left.push(...entries),
    resolver: (name) => ({
      name,
      provider: 'scripted',
      kind: 'demo',
      settings: {
        ...modelSchema.parse({ provider: 'scripted', model: name }),
        ...options.settings,
      },
      language: { ...LANGUAGE, modelId: name, doStream },
    }),
    assertDone: () => {
      if (missing > 0) throw new Error(`${missing} requests found no answer in the script`);
      if (left.length > 0)
        throw new Error(`${left.length} answers of the script were not asked for`);
    },
  };
}
