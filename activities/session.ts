/** The activities of the session queue: model calls, and the thin ones that only hand a decision to the journal. */
import type { SessionActivities } from '../contracts/activities.ts';
import type { ActivityDependencies } from './dependencies.ts';
import { translated } from './failures.ts';
import { createCallModel } from './model/call-model.ts';

export function createSessionActivities(deps: ActivityDependencies): SessionActivities {
  const { journal } = deps;
  return {
    callModel: createCallModel(deps),
    sealStep: translated((input) => journal.steps.seal(input)),
    settleToolCall: translated((input) => journal.ledger.settle(input)),
    record: translated((sessionId, facts) => journal.events.record(sessionId, facts)),
  };
}
