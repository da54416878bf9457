import type { SecretLookup } from '../../config/secrets.ts';
import type { Settings } from '../../config/settings.ts';
import { createLog } from '../../telemetry/log.ts';
import type { Logger } from '../../telemetry/log.ts';

const USUAL_KEYS = ['OPENROUTER_API_KEY', 'OPENAI_API_KEY', 'ANTHROPIC_API_KEY'];

/** The log of a server process, which knows the secrets that it must never write. */
export function processLog(settings: Settings, service: string, secrets: SecretLookup): Logger {
  const providers = Object.values(settings.catalogue.providers);
  const names = [
    ...USUAL_KEYS,
    ...providers.map(({ apiKeyEnv }) => apiKeyEnv),
    settings.temporal.apiKeyEnv,
  ];
  const values = names.map((name) => name && secrets(name)).filter((value) => value !== undefined);
  const headers = providers.flatMap((provider) => Object.values(provider.headers ?? {}));
  const hidden = [...values, ...headers, ...(settings.journal.url ? [settings.journal.url] : [])];
  return createLog({
    level: settings.log.level,
    service,
    secrets: hidden.filter((value) => value !== ''),
  });
}
