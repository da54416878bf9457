/** One turn: model steps and their tool calls, until a step ends it, a limit does, or a person. */
import {
  ActivityFailure,
  ApplicationFailure,
  CancellationScope,
  condition,
  log,
  TemporalFailure,
} from '@temporalio/workflow';
import type { IncomingMessage, SealInput } from '../../contracts/activities.ts';
import type { ErrorInfo } from '../../contracts/errors.ts';
import { failureInfo, limitReached } from './decisions.ts';
import { turnSettled } from './facts.ts';
import { askProgram } from './program.ts';
import { takeSteering } from './queue.ts';
import { tell, type Run } from './run.ts';
import { closeTurn, countStep, nextStep, openTurn, type OpenTurn } from './state.ts';
import { settleCalls } from './tool-calls.ts';

/** Never throws for what a model, a tool or the journal does: a turn may fail, its session goes on. */
export async function runTurn(run: Run, opener: IncomingMessage): Promise<void> {
  const turn = openTurn(run.session, opener);
  try {
    while (await runStep(run, turn));
  } catch (error) {
    if (!(error instanceof TemporalFailure)) throw error;
    await seal(run, turn, whyFailed(error));
  } finally {
    closeTurn(run.session, Date.now());
    tell(run);
  }
}

/** @returns whether the turn goes on. */
async function runStep(run: Run, turn: OpenTurn): Promise<boolean> {
  const { session, activities } = run;
  tell(run);
  const result = await unlessInterrupted(run, turn, () =>
    session.start.engine ? askProgram(run, turn) : activities.callModel(turn),
  );
  if (result === SEALED) return false;
  countStep(session, turn, result.spend);
  session.failed = result.outcome === 'failed';
  if (result.outcome !== 'tool_calls') return false;
  const settled = await unlessInterrupted(run, turn, () => settleCalls(run, turn, result.calls));
  if (settled === SEALED) return false;
  const limit = limitReached(session, turn);
  if (limit) {
    session.outbox.push(turnSettled(turn, limit.outcome, limit.error));
    return false;
  }
  nextStep(turn, takeSteering(session));
  return true;
}

const SEALED = Symbol('sealed');

/**
 * The work's result; or, when a person interrupts first, `SEALED`: the step is sealed in the journal, then the work is cancelled and
 * left behind. Nobody waits for it: the journal refuses whatever it still writes.
 */
async function unlessInterrupted<T>(
  run: Run,
  turn: OpenTurn,
  work: () => Promise<T>,
): Promise<T | typeof SEALED> {
  const { session } = run;
  const scope = new CancellationScope();
  if (!session.interrupting) {
    let settled = false;
    const working = scope.run(work).finally(() => (settled = true));
    working.catch(() => undefined);
    await condition(() => settled || session.interrupting);
    if (settled) return working;
  }
  await seal(run, turn);
  scope.cancel();
  return SEALED;
}

async function seal(run: Run, turn: OpenTurn, error?: ErrorInfo): Promise<void> {
  const { session, activities } = run;
  const cause = error ? 'failure' : session.ending === 'stopped' ? 'stop' : 'interrupt';
  const input: SealInput = {
    sessionId: session.start.sessionId,
    turn: turn.id,
    step: turn.step,
    cause,
    messages: turn.incoming,
    turnSpend: turn.spend,
    ...(error ? { error } : {}),
  };
  try {
    const sealed = await activities.sealStep(input);
    countStep(session, turn, sealed.spend);
    session.failed = sealed.outcome === 'failed';
  } catch (failure) {
    if (!(failure instanceof TemporalFailure)) throw failure;
    session.failed = true;
    // Retried until it works, so this is a defect that no retry mends. The turn ends all the same.
    log.error('The journal refused to seal a step', { turn: turn.id, step: turn.step, failure });
  }
}

/** The activity's own failure has the words of whoever failed; a local activity's comes without a wrapping. */
function whyFailed(failure: TemporalFailure): ErrorInfo {
  const cause = failure instanceof ActivityFailure ? (failure.cause ?? failure) : failure;
  return failureInfo(cause instanceof ApplicationFailure ? cause.type : undefined, cause.message);
}
