import type { SecretLookup } from '../../config/secrets.ts';
import type { Settings } from '../../config/settings.ts';
import { keyNameOf } from '../../contracts/provider-keys.ts';
import type { ProviderSettings } from '../../contracts/settings.ts';
import { ok, problem, warning } from './check.ts';
import type { Finding } from './check.ts';

/** A person waits for it. */
const DEADLINE_MS = 5_000;

/** One finding a provider that some model uses, and one a login of a program. */
export async function checkProviders(
  settings: Settings,
  secrets: SecretLookup,
): Promise<readonly Finding[]> {
  const { catalogue } = settings;
  const used = new Set(Object.values(catalogue.models).map(({ provider }) => provider));
  const main = catalogue.models[catalogue.defaultModel]?.provider;
  const providers = Object.entries(catalogue.providers).filter(
    ([name, { kind }]) => used.has(name) && (kind !== 'demo' || name === main),
  );
  const commands = Object.entries(settings.credentials).filter(
    ([, { strategy }]) => strategy === 'command',
  );
  const parts = { settings, secrets };
  return Promise.all([
    ...providers.map(([name, provider]) => checkProvider(name, provider, parts)),
    ...commands.map(([name]) => checkCredential(`credential ${name}`, name, parts)),
  ]);
}

interface Parts {
  readonly settings: Settings;
  readonly secrets: SecretLookup;
}

async function checkProvider(
  name: string,
  provider: ProviderSettings,
  { settings, secrets }: Parts,
): Promise<Finding> {
  const check = `provider ${name}`;
  if (provider.kind === 'demo') {
    const mend = 'Set OPENROUTER_API_KEY, OPENAI_API_KEY or ANTHROPIC_API_KEY, or start Ollama.';
    return warning(check, 'the default model is the demo: a script, not an AI', mend);
  }
  const { credential } = provider;
  if (credential !== undefined) return checkCredential(check, credential, { settings, secrets });
  const key = keyNameOf(provider);
  if (key === undefined) return ok(check, `${provider.baseUrl ?? provider.kind}, no key needed`);
  if (!secrets(key))
    return problem(check, `${key} is not set`, `Set ${key} for the worker and restart it.`);
  return checkCredential(check, name, { settings, secrets });
}

/** Of a token that workers have and keep: what they need for it. */
function checkStored(check: string, name: string, { settings, secrets }: Parts): Finding {
  const { strategy, clientIdEnv, clientSecretEnv, refreshTokenEnv } =
    settings.credentials[name] ?? {};
  const unset = [clientIdEnv, clientSecretEnv, refreshTokenEnv].filter(
    (variable) => variable !== undefined && !secrets(variable),
  );
  if (unset.length > 0) {
    const variables = unset.join(', ');
    const mend = `Set ${variables} for the worker and restart it.`;
    return problem(check, `credential ${name}: ${variables} is not set`, mend);
  }
  const person = strategy === 'oauth2-refresh' && refreshTokenEnv === undefined;
  const first = person ? `a person signs in (npx perdure auth login ${name}), and ` : '';
  const detail = `credential ${name}: ${first}its token is had and kept by workers`;
  return ok(check, `${detail} (npx perdure auth check ${name})`);
}

/** Signs in from here, where that leaves nothing behind. */
async function checkCredential(check: string, name: string, parts: Parts): Promise<Finding> {
  const { checkOnce } = await import('../../worker/credential-check.ts');
  const found = await checkOnce(name, { ...parts, deadlineMs: DEADLINE_MS });
  if (!found) return checkStored(check, name, parts);
  if (found.kind === 'succeeded') return ok(check, `credential ${name} works`);
  const detail = `credential ${name}, ${found.kind}: ${found.reason}`;
  const lasting = found.kind === 'invalid_credentials' || found.kind === 'misconfigured';
  return lasting
    ? problem(
        check,
        detail,
        'Correct what is under credentials or in the variable it names; where a program signs in by itself, sign in with it.',
      )
    : warning(check, detail, 'It could not be asked from here: try again later.');
}
