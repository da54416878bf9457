/** Which environment variable has a provider's key. */
import type { CredentialCatalogue } from './credentials.ts';
import { credentialSchema } from './credentials.ts';
import type { ProviderSettings } from './settings.ts';

const USUAL_KEY: Partial<Record<ProviderSettings['kind'], string>> = {
  openrouter: 'OPENROUTER_API_KEY',
  openai: 'OPENAI_API_KEY',
  anthropic: 'ANTHROPIC_API_KEY',
};

/** Name of the environment variable with a provider's key, if it has one. */
export const keyNameOf = (provider: ProviderSettings): string | undefined =>
  provider.apiKeyEnv ?? USUAL_KEY[provider.kind];

export interface WithProviders {
  readonly credentials: CredentialCatalogue;
  readonly providers: Readonly<Record<string, ProviderSettings>>;
}

/** The configured credentials, and each provider's plain key under the provider's name, so that it can be checked as well. */
export const allCredentials = ({ credentials, providers }: WithProviders): CredentialCatalogue => ({
  ...Object.fromEntries(
    Object.entries(providers)
      .filter(([, provider]) => provider.credential === undefined && keyNameOf(provider))
      .map(([name]) => [name, credentialSchema.parse({ strategy: 'api-key', provider: name })]),
  ),
  ...credentials,
});
