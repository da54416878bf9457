/** The built-in model for a start without any key: a script, which says so, behind the same interface as real providers. */
import type {
  LanguageModelV4,
  LanguageModelV4CallOptions,
  LanguageModelV4Prompt,
} from '@ai-sdk/provider';
import { demoReply } from './script.ts';
import type { DemoReply, DemoTurn } from './script.ts';
import { streamScript } from './stream-script.ts';

/** A pace that a person can read along with. */
const WORD_DELAY_MS = 20;

type Message = LanguageModelV4Prompt[number];

const textOf = (message: Message): string =>
  typeof message.content === 'string'
    ? message.content
    : message.content.map((part) => (part.type === 'text' ? part.text : '')).join('');

function resultsIn(messages: readonly Message[]): DemoTurn['results'] {
  return messages
    .flatMap((message) => (message.role === 'tool' ? message.content : []))
    .flatMap((part) => {
      if (part.type !== 'tool-result') return [];
      const { output } = part;
      const text =
        output.type === 'text' || output.type === 'error-text'
          ? output.value
          : JSON.stringify('value' in output ? output.value : output, null, 2);
      return [{ name: part.toolName, text }];
    });
}

function turnOf(options: LanguageModelV4CallOptions): DemoTurn {
  const { prompt } = options;
  const index = prompt.findLastIndex((message) => message.role === 'user');
  const user = prompt[index];
  return {
    user: user ? textOf(user) : '',
    first: !prompt.slice(0, index).some(({ role }) => role === 'assistant'),
    tools: new Set((options.tools ?? []).map(({ name }) => name)),
    results: resultsIn(prompt.slice(index + 1)),
  };
}

/** A rough count, so that figures about usage are not empty: four characters a token. */
const tokensIn = (value: unknown): number => Math.ceil((JSON.stringify(value)?.length ?? 0) / 4);

function streamOf(reply: DemoReply, options: LanguageModelV4CallOptions) {
  return streamScript(
    {
      text: reply.text,
      calls: reply.call ? [reply.call] : [],
      usage: {
        inputTokens: tokensIn(options.prompt),
        outputTokens: tokensIn(reply.text),
      },
      wordDelayMs: WORD_DELAY_MS,
    },
    options.abortSignal,
  );
}

export const demoModel = (modelId: string): LanguageModelV4 => ({
  specificationVersion: 'v4',
  provider: 'demo',
  modelId,
  supportedUrls: {},
  doGenerate: () => Promise.reject(new Error('the demo model only streams: use streamText')),
  doStream: (options) => Promise.resolve({ stream: streamOf(demoReply(turnOf(options)), options) }),
});
