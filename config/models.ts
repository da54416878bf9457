/** Which model is used when nobody chose one: by the keys found, then a local server, then the script that needs nothing. */
import type { AgentSettings, ModelSettings, ProviderSettings } from '../contracts/settings.ts';

export interface ModelOffer {
  /** Name under providers. */
  readonly provider: string;
  readonly providerSettings: ProviderSettings;
  /** Name under models. */
  readonly name: string;
  readonly model: ModelSettings;
  /** For people: why this one. */
  readonly reason: string;
}

/**
 * Prices in US dollars and windows, looked up on 2026-11-21; perdure.yaml overrides them. From openrouter.ai/openai/gpt-5.4-mini (and
 * developers.openai.com, which ends gpt-5-mini on 2026-12-11). Of its 400,000 tokens 128,000 are kept for answers. Cached input counts at the
 * full price here: too much rather than too little.
 */
const GPT_MINI = {
  contextTokens: 272_000,
  maxOutputTokens: 16_384,
  inputUsdPerMTok: 0.75,
  outputUsdPerMTok: 4.5,
} as const;

/**
 * From platform.claude.com, models/sonnet-4-6/overview, on the same day (claude-sonnet-4-5 ends on 2026-11-30). It takes 1,000,000 tokens; a
 * fifth of that keeps a turn affordable. Not claude-sonnet-5-5: it thinks unasked and binds its thoughts to the whole conversation, which
 * compaction changes.
 */
const CLAUDE_SONNET = {
  contextTokens: 200_000,
  maxOutputTokens: 16_384,
  inputUsdPerMTok: 3,
  cachedInputUsdPerMTok: 0.3,
  outputUsdPerMTok: 15,
} as const;

const BY_KEY: readonly (Omit<ModelOffer, 'reason'> & { readonly key: string })[] = [
  {
    key: 'OPENROUTER_API_KEY',
    provider: 'openrouter',
    providerSettings: { kind: 'openrouter', apiKeyEnv: 'OPENROUTER_API_KEY' },
    name: 'openrouter',
    model: { provider: 'openrouter', model: 'openai/gpt-5.4-mini', ...GPT_MINI },
  },
  {
    key: 'OPENAI_API_KEY',
    provider: 'openai',
    providerSettings: { kind: 'openai', apiKeyEnv: 'OPENAI_API_KEY' },
    name: 'openai',
    model: { provider: 'openai', model: 'gpt-5.4-mini', ...GPT_MINI },
  },
  {
    key: 'ANTHROPIC_API_KEY',
    provider: 'anthropic',
    providerSettings: { kind: 'anthropic', apiKeyEnv: 'ANTHROPIC_API_KEY' },
    name: 'anthropic',
    model: { provider: 'anthropic', model: 'claude-sonnet-4-6', ...CLAUDE_SONNET },
  },
];

/** Always there, so that `model: demo` works beside real ones too. */
export const DEMO: ModelOffer = {
  provider: 'demo',
  providerSettings: { kind: 'demo' },
  name: 'demo',
  model: {
    provider: 'demo',
    model: 'demo',
    contextTokens: 32_000,
    maxOutputTokens: 2_048,
    inputUsdPerMTok: 0,
    outputUsdPerMTok: 0,
  },
  reason: 'no provider key and no local model server was found; this is a script, not an AI',
};

export const offersByKey = (env: NodeJS.ProcessEnv): readonly ModelOffer[] =>
  BY_KEY.filter(({ key }) => env[key]?.trim()).map(({ key, ...offer }) => ({
    ...offer,
    reason: `${key} is set`,
  }));

const LOCAL_SERVER = 'http://127.0.0.1:11434/v1';
/** A server on this machine answers in a few milliseconds; a start without one must not wait. */
const LOCAL_DEADLINE_MS = 300;

/** The first model of an Ollama on this machine, where one answers at once. */
export async function localOffer(baseUrl: string = LOCAL_SERVER): Promise<ModelOffer | undefined> {
  const model = await firstModelOf(baseUrl).catch(() => undefined);
  if (model === undefined) return undefined;
  return {
    provider: 'local',
    providerSettings: { kind: 'openai-compatible', baseUrl },
    name: 'local',
    // Ollama cuts prompts at its own window without saying so: 8,192 is a size that its usual set-ups have.
    model: {
      provider: 'local',
      model,
      contextTokens: 8_192,
      maxOutputTokens: 2_048,
      inputUsdPerMTok: 0,
      outputUsdPerMTok: 0,
    },
    reason: `a local model server answers at ${baseUrl}`,
  };
}

async function firstModelOf(baseUrl: string): Promise<string | undefined> {
  const response = await fetch(`${baseUrl}/models`, {
    signal: AbortSignal.timeout(LOCAL_DEADLINE_MS),
  });
  if (!response.ok) return undefined;
  const body = (await response.json()) as { data?: readonly { id?: unknown }[] } | null;
  const id = body?.data?.[0]?.id;
  return typeof id === 'string' ? id : undefined;
}

/** The agent that exists when perdure.yaml names none. */
export const DEFAULT_AGENT: AgentSettings = {
  instructions: [
    'You are {{agent}}, a helpful assistant. Today is {{date}}.',
    'You can look into the folder {{workspace}} with your tools; look before you answer questions about it.',
    'Answer briefly.',
  ].join('\n'),
  variables: {},
  fallbackModels: [],
  tools: ['list_files', 'read_file', 'search_files'],
  clientTools: [],
  limits: {},
};
