/** The refresh token that the environment gives, and how what is stored says that it came of it. */
import type { CredentialSettings } from '../../contracts/credentials.ts';
import { sha256 } from '../digest.ts';
import type { SecretLookup } from './strategies/strategy.ts';

export const firstRefreshToken = (
  { strategy, refreshTokenEnv }: CredentialSettings,
  secrets: SecretLookup,
): string | undefined =>
  strategy === 'oauth2-refresh' && refreshTokenEnv !== undefined
    ? secrets(refreshTokenEnv)
    : undefined;

/** Undefined where the environment gives none: a person signs in. */
export function seedOf(credential: CredentialSettings, secrets: SecretLookup): string | undefined {
  const first = firstRefreshToken(credential, secrets);
  return first === undefined ? undefined : sha256(first);
}
