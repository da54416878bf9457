/**
 * Programs that answer instead of a model (mission D4): how one is started, asked, understood and confined, as perdure.yaml describes it.
 * zod at run time: not for workflows.
 */
import { z } from 'zod';
import { credentialNameSchema } from './credentials.ts';
import { environmentName } from './environment-name.ts';
import { TIME_LIMITS } from './limits.ts';

const path = z.string().min(1).max(200);
const pattern = z.string().min(1).max(200).refine(isPattern, 'is no regular expression');
const absolute = z.string().regex(/^\//, 'expected an absolute path');

function isPattern(source: string): boolean {
  try {
    return new RegExp(source) instanceof RegExp;
  } catch {
    return false;
  }
}

const scalar = z.union([z.string(), z.number(), z.boolean(), z.null()]);
/** Path in a JSON line (`event.delta.type`) → the value that must stand there; null where nothing may. */
const when = z.record(path, scalar).describe('Path → value; null where nothing may stand.');

const lineRule = z.strictObject({
  when: when.default({}).describe('Lines that it holds for: path → value, all of them.'),
  take: path.describe('Path of the text.'),
  block: z.boolean().default(false).describe('Begins a paragraph of its own.'),
});
export type LineRule = z.output<typeof lineRule>;
export type LineMatch = z.output<typeof when>;
const rules = z.array(lineRule).default([]);
const paths = z.array(path).default([]);

const usageRule = z.strictObject({
  when: when.describe('Lines that say what an answer used.'),
  inputTokens: paths.describe('Paths whose figures are added up; cached tokens belong to them.'),
  outputTokens: paths.describe('Paths of generated tokens.'),
  cachedInputTokens: paths.describe('Paths of tokens that were read from a cache.'),
  costUsd: path.optional().describe('Path of the cost in US dollars.'),
  cumulative: z
    .enum(['nothing', 'tokens', 'cost'])
    .default('nothing')
    .describe('Which of the figures count from the beginning of the conversation.'),
});
export type UsageRule = z.output<typeof usageRule>;

const jsonLines = z.strictObject({
  format: z.literal('json-lines').describe('Each line is a JSON object.'),
  text: rules.describe('Where the answer is, piece by piece.'),
  whole: rules.describe('Where the whole answer is; taken where no piece came.'),
  reasoning: rules.describe('Where thoughts are.'),
  error: rules.describe('Where it says that it failed; the turn fails with these words.'),
  conversation: rules.describe('Where the id is by which a later process goes on.'),
  usage: usageRule.optional().describe('Where it says what was used.'),
});

const output = z.discriminatedUnion('format', [
  z.strictObject({ format: z.literal('text').describe('What is printed is the answer.') }),
  jsonLines,
]);
export type JsonLines = z.output<typeof jsonLines>;

/** How an answer ends. */
const done = z.discriminatedUnion('by', [
  z.strictObject({
    by: z.literal('marker').describe('A line with {marker}, which the input makes it print.'),
  }),
  z.strictObject({
    by: z.literal('prompt').describe('It prints its prompt again.'),
    pattern: pattern.describe('Regular expression of the prompt, at the end of the last line.'),
  }),
  z.strictObject({
    by: z.literal('line').describe('A JSON line says so.'),
    when: when.describe('Path → value, all of them.'),
  }),
  z.strictObject({ by: z.literal('exit').describe('The process ends.') }),
  z.strictObject({
    by: z.literal('silence').describe('Nothing more is printed.'),
    ms: z.number().int().min(50).max(60_000).describe('For so long, milliseconds.'),
  }),
]);
export type CliDone = z.output<typeof done>;

const input = z.strictObject({
  template: z
    .string()
    .max(4_000)
    .describe('{message}; {json}: it as a JSON string; {marker}: the end to be printed.'),
  end: z.boolean().default(false).describe('Close the input afterwards.'),
});

export const CLI_PRESETS = ['claude', 'codex', 'gemini'] as const;
export type CliPreset = (typeof CLI_PRESETS)[number];

/** Flood protection: far more than a person reads. */
const ANSWER_BYTES = 1_048_576;

export const cliProviderSchema = z
  .strictObject({
    preset: z
      .enum(CLI_PRESETS)
      .describe(
        'What is not said here is as for this program; claude, codex and gemini are known.',
      ),
    command: z.string().min(1).describe('The program: a name on the PATH, or an absolute path.'),
    args: z
      .array(z.string())
      .describe('Its arguments; {message}, {conversation}, {instructions}. Never a shell.'),
    resumeArgs: z
      .array(z.string())
      .describe('Its arguments where {conversation} is known; it cannot go on when absent.'),
    instructionsArgs: z
      .array(z.string())
      .describe('Added where the agent has `instructions`; it takes none when absent.'),
    sandboxArgs: z
      .array(z.string())
      .describe('Added in the sandbox: what tells a program that it is confined already.'),
    process: z
      .enum(['session', 'command'])
      .describe('One process for the whole session (default), or one for each message.'),
    env: z
      .array(environmentName)
      .describe('Environment variables of the worker that it sees, beside PATH and the language.'),
    input: input.describe('What is written to it for a message; nothing when absent.'),
    ready: pattern.describe('It takes messages when the end of what it prints fits this.'),
    done: done.describe('How an answer ends.'),
    output: output.describe('How its output is read; text by default.'),
    interrupt: z
      .string()
      .max(4_000)
      .describe('Written to it on an interrupt; the signal SIGINT when absent.'),
    timeoutMs: z
      .number()
      .int()
      .min(1_000)
      .max(TIME_LIMITS.commandMaxMs)
      .describe('For one message, milliseconds; `timeouts.commandMs` when absent.'),
    answerBytes: z
      .number()
      .int()
      .min(1_024)
      .max(32 * ANSWER_BYTES)
      .describe('Largest answer (default 1 MiB); a program that prints more is ended.'),
    sandbox: z
      .enum(['bubblewrap', 'none'])
      .describe('`none` gives it all that the worker may do; confined by default.'),
    network: z.boolean().describe('Whether the sandbox has a network (default: no).'),
    readOnly: z.array(absolute).describe('Further folders that the sandbox shows, read-only.'),
    credential: credentialNameSchema.describe(
      'Name under credentials that must be good before it is started, such as its own login check.',
    ),
    workspace: z
      .enum(['none', 'read', 'write'])
      .describe("What it may do in the session's workspace; `none` by default."),
  })
  .partial();
export type CliProviderInput = z.output<typeof cliProviderSchema>;

type Optional =
  | 'preset'
  | 'resumeArgs'
  | 'instructionsArgs'
  | 'sandboxArgs'
  | 'input'
  | 'ready'
  | 'interrupt'
  | 'credential'
  | 'timeoutMs';

/** A program's whole description. */
export type CliProvider = Required<Omit<CliProviderInput, Optional>> &
  Pick<CliProviderInput, Optional>;
export type CliProviders = Readonly<Record<string, CliProvider>>;

/** What is not said of a program. `command` and `done` have no default. */
const DEFAULTS = {
  args: [],
  process: 'session',
  env: [],
  output: { format: 'text' },
  answerBytes: ANSWER_BYTES,
  sandbox: 'bubblewrap',
  network: false,
  readOnly: [],
  workspace: 'none',
} as const satisfies Partial<CliProviderInput>;

/** Presets are descriptions like any other. */
export type PresetDescriptions = Readonly<Record<CliPreset, CliProviderInput>>;

/** @returns undefined where it is not said what to run, or how an answer ends: config/ names that as a problem */
export function describeProgram(
  given: CliProviderInput,
  presets: PresetDescriptions,
): CliProvider | undefined {
  const { preset } = given;
  const whole = { ...DEFAULTS, ...(preset && presets[preset]), ...given };
  const { command, done: ends } = whole;
  if (command === undefined || ends === undefined) return undefined;
  return {
    ...whole,
    args: [...whole.args],
    env: [...whole.env],
    readOnly: [...whole.readOnly],
    command,
    done: ends,
  };
}
