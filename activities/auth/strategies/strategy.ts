/** What a strategy is given and what it may give. */
import type { CredentialSettings } from '../../../contracts/credentials.ts';
import type { ProviderSettings } from '../../../contracts/settings.ts';
import { AuthFailure } from '../failure.ts';

/** The value of an environment variable, by its name. */
export type SecretLookup = (name: string) => string | undefined;

export interface StrategyParts {
  readonly providers: Readonly<Record<string, ProviderSettings>>;
  readonly secrets: SecretLookup;
}

export interface Sought {
  readonly credential: CredentialSettings;
  readonly signal: AbortSignal;
}

/** @throws {AuthFailure} `misconfigured`, which names the variable */
export function needed(secrets: SecretLookup, name: string | undefined): string {
  const value = name === undefined ? undefined : secrets(name);
  if (value !== undefined) return value;
  throw new AuthFailure(
    'misconfigured',
    name === undefined
      ? 'no variable is named for it'
      : `the environment variable ${name} is not set for the worker`,
  );
}
