/** What a login is asked and answers. The API imports this file too, so it holds definitions only. */
import { defineSignal, defineUpdate } from '@temporalio/workflow';
import type { LoginInput } from '../../contracts/activities.ts';
import type { LoginCode, LoginEnd } from '../../contracts/credential-login.ts';
import type { PolicyOverrides } from '../../contracts/policies.ts';

export interface CredentialLogin extends LoginInput {
  /** Where the configuration differs from `POLICIES`. */
  readonly policies?: PolicyOverrides | undefined;
}

/** What whoever began it is shown. */
export type ShownLogin = { readonly loginId: string; readonly by: string } & (
  | {
      readonly state: 'waiting';
      readonly code: LoginCode;
      /** Milliseconds since 1970, by Temporal's clock. */
      readonly endsAt: number;
    }
  | LoginEnd
);

/** Answers as soon as there is a code, or none will come. */
export const shownLogin = defineUpdate<ShownLogin>('shownLogin');
export const cancelLogin = defineSignal('cancelLogin');
