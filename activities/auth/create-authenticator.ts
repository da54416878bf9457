import type { CredentialCatalogue, SecretKeys } from '../../contracts/credentials.ts';
import { allCredentials } from '../../contracts/provider-keys.ts';
import type { ActivityDependencies } from '../dependencies.ts';
import { Authenticator } from './authenticator.ts';
import { createSecretBox } from './secret-box.ts';

export type AuthenticatorDependencies = Pick<
  ActivityDependencies,
  'journal' | 'catalogue' | 'secrets' | 'policies' | 'log'
> & {
  readonly credentials?: CredentialCatalogue | undefined;
  /** Absent: nothing can be stored, so credentials that must be are refused. */
  readonly secretKeys?: SecretKeys | undefined;
  /** Told of every token: it is to appear in no log line. */
  readonly hide?: ((secret: string) => void) | undefined;
};

/** One a worker: what it remembers and renews is shared by all that needs a token. */
export function createAuthenticator(deps: AuthenticatorDependencies): Authenticator {
  const { catalogue, credentials = {}, secretKeys, policies, ...rest } = deps;
  const { providers } = catalogue;
  return new Authenticator({
    ...rest,
    providers,
    credentials: allCredentials({ credentials, providers }),
    box: secretKeys && createSecretBox(secretKeys),
    attemptMs: policies.authenticate.attemptMs,
  });
}
