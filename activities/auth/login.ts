/** `beginLogin` and `askForLogin`: what the workflow of a login asks of a worker. When to ask again is its decision. */
import { Context } from '@temporalio/activity';
import type { LoginActivities } from '../../contracts/activities.ts';
import type { Authenticator } from './authenticator.ts';

export interface LoginParts {
  readonly authenticator: Authenticator;
  /** Limit of what the provider is given; to store what it gave may take longer. */
  readonly attemptMs: number;
}

/** Our own deadline passes before Temporal's: a slow provider is an answer. */
const OWN_SHARE = 0.95;

export function createLoginActivities({ authenticator, attemptMs }: LoginParts): LoginActivities {
  const signal = (): AbortSignal =>
    AbortSignal.any([
      Context.current().cancellationSignal,
      AbortSignal.timeout(attemptMs * OWN_SHARE),
    ]);
  return {
    beginLogin: (input) => authenticator.logins.begin(input, signal()),
    askForLogin: (input) => authenticator.logins.ask(input, signal()),
  };
}
