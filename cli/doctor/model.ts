import type { SecretLookup } from '../../config/secrets.ts';
import type { Settings } from '../../config/settings.ts';
import { keyNameOf } from '../../contracts/provider-keys.ts';
import type { ProviderSettings } from '../../contracts/settings.ts';
import { ok, problem, warning } from './check.ts';
import type { Finding } from './check.ts';

/** One finding a provider that some model uses. */
export function checkProviders(settings: Settings, secrets: SecretLookup): readonly Finding[] {
  const { catalogue } = settings;
  const used = new Set(Object.values(catalogue.models).map(({ provider }) => provider));
  const main = catalogue.models[catalogue.defaultModel]?.provider;
  return Object.entries(catalogue.providers)
    .filter(([name, { kind }]) => used.has(name) && (kind !== 'demo' || name === main))
    .map(([name, provider]) => checkProvider(name, provider, secrets));
}

function checkProvider(name: string, provider: ProviderSettings, secrets: SecretLookup): Finding {
  const check = `provider ${name}`;
  if (provider.kind === 'demo') {
    const mend = 'Set OPENROUTER_API_KEY, OPENAI_API_KEY or ANTHROPIC_API_KEY, or start Ollama.';
    return warning(check, 'the default model is the demo: a script, not an AI', mend);
  }
  const key = keyNameOf(provider);
  if (key === undefined) return ok(check, `${provider.baseUrl ?? provider.kind}, no key needed`);
  return secrets(key)
    ? ok(check, `${key} is set`)
    : problem(check, `${key} is not set`, `Set ${key} for the worker and restart it.`);
}
