/** `beginLogin` and `askForLogin`: what the workflow of a login asks of a worker. When to ask again is its decision. */
import type { LoginActivities } from '../../contracts/activities.ts';
import type { Authenticator } from './authenticator.ts';
import { ownDeadline } from './own-deadline.ts';

export interface LoginParts {
  readonly authenticator: Authenticator;
  /** Limit of what the provider is given; to store what it gave may take longer. */
  readonly attemptMs: number;
}

export const createLoginActivities = ({
  authenticator,
  attemptMs,
}: LoginParts): LoginActivities => ({
  beginLogin: (input) => authenticator.logins.begin(input, ownDeadline(attemptMs)),
  askForLogin: (input) => authenticator.logins.ask(input, ownDeadline(attemptMs)),
});
