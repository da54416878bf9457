import type { SecretLookup } from '../../config/secrets.ts';
import type { Settings } from '../../config/settings.ts';
import { OLD_SECRET_KEYS, SECRET_KEY } from '../../config/secret-keys.ts';
import { mcpReferences } from '../../contracts/mcp.ts';
import { createLog } from '../../telemetry/log.ts';
import type { Logger } from '../../telemetry/log.ts';
import { HiddenValues } from '../../telemetry/redact.ts';

const USUAL_KEYS = ['OPENROUTER_API_KEY', 'OPENAI_API_KEY', 'ANTHROPIC_API_KEY'];

/** What a server process must never write; a worker adds the tokens that it is given. */
export function hiddenValues(settings: Settings, secrets: SecretLookup): HiddenValues {
  const providers = Object.values(settings.catalogue.providers);
  const names = [
    ...USUAL_KEYS,
    ...providers.map(({ apiKeyEnv }) => apiKeyEnv),
    settings.temporal.apiKeyEnv,
    SECRET_KEY,
    ...Object.values(settings.mcpServers).flatMap(mcpReferences),
    ...Object.values(settings.credentials).flatMap((credential) => [
      credential.apiKeyEnv,
      credential.clientSecretEnv,
      credential.refreshTokenEnv,
    ]),
  ];
  const values = names.map((name) => name && secrets(name)).filter((value) => value !== undefined);
  const headers = providers.flatMap((provider) => Object.values(provider.headers ?? {}));
  const old = (secrets(OLD_SECRET_KEYS) ?? '').split(',');
  const url = settings.journal.url ? [settings.journal.url] : [];
  const hidden = [...values, ...old, ...headers, ...url];
  return new HiddenValues(hidden.filter((value) => value !== ''));
}

/** The log of a server process. */
export const processLog = (settings: Settings, service: string, hidden: HiddenValues): Logger =>
  createLog({ level: settings.log.level, service, secrets: hidden });
