/** Hands the session's facts to the journal, in order: all that one workflow task decided in one local activity. */
import { TemporalFailure, condition, log } from '@temporalio/workflow';
import type { Fact } from '../../contracts/activities.ts';
import { noteRecorded } from './queue.ts';
import { tell, type Run } from './run.ts';

/** Runs beside the session until the workflow completes. */
export async function recordFacts(run: Run): Promise<never> {
  const { session } = run;
  for (;;) {
    await condition(() => session.outbox.length > 0);
    const facts = [...session.outbox];
    await write(run, facts);
    // Only now: an empty outbox says that the journal has everything.
    session.outbox.splice(0, facts.length);
    noteRecorded(session, facts);
    tell(run);
  }
}

/** All facts are in the journal. */
export const recorded = ({ session }: Run): Promise<void> =>
  condition(() => session.outbox.length === 0);

async function write(run: Run, facts: readonly Fact[]): Promise<void> {
  try {
    await run.activities.record(run.session.start.sessionId, facts);
  } catch (error) {
    if (!(error instanceof TemporalFailure)) throw error;
    // Refused for good (a schema error): one bad fact must not take the others with it, nor the session.
    if (facts.length > 1) for (const fact of facts) await write(run, [fact]);
    else log.error('The journal refused a fact', { key: facts[0]?.key, error });
  }
}
