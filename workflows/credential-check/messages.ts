/** What a check of a credential is asked and answers. The API imports this file too, so it holds definitions only. */
import type { AuthenticateInput } from '../../contracts/activities.ts';
import type { AuthOutcome } from '../../contracts/authentication.ts';
import type { PolicyOverrides } from '../../contracts/policies.ts';

export interface CredentialCheck extends AuthenticateInput {
  /** Where the configuration differs from `POLICIES`. */
  readonly policies?: PolicyOverrides | undefined;
}

export type CredentialCheckResult = AuthOutcome;
