/** What an engine that needs somebody to be signed in does before its first call: the session's log tells how it went. */
import type { AuthOutcome } from '../../contracts/authentication.ts';
import { authSettled } from './facts.ts';
import type { Run } from './run.ts';

/** Never throws for what a provider does; a turn that goes on after `failed` has its `error`. */
export async function authenticateFirst(run: Run, credential: string): Promise<AuthOutcome> {
  const { session, activities } = run;
  const outcome = await activities.authenticate({ credential });
  session.outbox.push(authSettled(session, outcome, Date.now()));
  return outcome;
}
