/** The activities of the session queue: model calls, and the thin ones that only hand a decision to the journal. */
import type {
  AuthActivities,
  LoginActivities,
  SessionActivities,
} from '../contracts/activities.ts';
import { createAuthenticate } from './auth/authenticate.ts';
import { createAuthenticator } from './auth/create-authenticator.ts';
import { createLoginActivities } from './auth/login.ts';
import type { ActivityDependencies } from './dependencies.ts';
import { createStartProgram } from './cli/start-program.ts';
import { translated } from './failures.ts';
import { createCallModel } from './model/call-model.ts';
import { createSettleApproval } from './settle-approval.ts';
import { createTakePlace } from './take-place.ts';

export function createSessionActivities(
  deps: ActivityDependencies,
): SessionActivities & AuthActivities & LoginActivities {
  const { journal, policies, log, authenticator = createAuthenticator(deps) } = deps;
  return {
    callModel: createCallModel({ ...deps, authenticator }),
    authenticate: createAuthenticate({ authenticator, policy: policies.authenticate, log }),
    ...createLoginActivities({ authenticator, attemptMs: policies.authenticate.attemptMs }),
    startProgram: createStartProgram(deps),
    sealStep: translated((input) => journal.steps.seal(input)),
    settleToolCall: translated((input) => journal.ledger.settle(input)),
    settleApproval: createSettleApproval(deps),
    record: translated((sessionId, facts) => journal.events.record(sessionId, facts)),
    takePlace: createTakePlace(deps),
  };
}
