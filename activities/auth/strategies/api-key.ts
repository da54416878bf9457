/** `api-key`: a cheap request that needs the key and costs nothing, one a kind of provider. */
import { keyNameOf } from '../../../contracts/provider-keys.ts';
import type { ProviderSettings } from '../../../contracts/settings.ts';
import { AuthFailure } from '../failure.ts';
import { requireSuccess } from '../refusal.ts';
import { needed } from './strategy.ts';
import type { Sought, StrategyParts } from './strategy.ts';

type Kind = Exclude<ProviderSettings['kind'], 'demo'>;

interface Question {
  readonly base: string;
  readonly path: string;
  readonly headers: (key: string) => Record<string, string>;
}

const bearer = (key: string): Record<string, string> => ({ authorization: `Bearer ${key}` });

const QUESTIONS: Readonly<Record<Kind, Question>> = {
  openai: { base: 'https://api.openai.com/v1', path: '/models', headers: bearer },
  anthropic: {
    base: 'https://api.anthropic.com/v1',
    path: '/models?limit=1',
    headers: (key) => ({ 'x-api-key': key, 'anthropic-version': '2023-06-01' }),
  },
  // Its list of models is public: only this says something about the key.
  openrouter: { base: 'https://openrouter.ai/api/v1', path: '/key', headers: bearer },
  'openai-compatible': { base: '', path: '/models', headers: bearer },
};

/** Of the credential's provider; the variable is the credential's own, or the provider's. */
export function apiKeyOf({ providers, secrets }: StrategyParts, { credential }: Sought): string {
  const provider = providerOf(providers, credential.provider);
  return needed(secrets, credential.apiKeyEnv ?? keyNameOf(provider));
}

function providerOf(
  providers: StrategyParts['providers'],
  name: string | undefined,
): ProviderSettings {
  const provider = name === undefined ? undefined : providers[name];
  if (provider) return provider;
  throw new AuthFailure('misconfigured', `perdure.yaml has no provider "${name}"`);
}

/** @throws {Answered} where the provider refuses the key, {AuthFailure}, or a network's error */
export async function checkApiKey(parts: StrategyParts, sought: Sought): Promise<void> {
  const provider = providerOf(parts.providers, sought.credential.provider);
  if (provider.kind === 'demo') return;
  const { base, path, headers } = QUESTIONS[provider.kind];
  const key = apiKeyOf(parts, sought);
  const response = await fetch(`${(provider.baseUrl ?? base).replace(/\/$/, '')}${path}`, {
    headers: { ...provider.headers, ...headers(key) },
    // A key is not carried on to wherever the answer points.
    redirect: 'manual',
    signal: sought.signal,
  });
  await requireSuccess(response);
  await response.body?.cancel();
}
