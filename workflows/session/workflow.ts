/** A session: waits for messages, answers each in a turn, ends when it is told to or has been alone for too long. */
import {
  allHandlersFinished,
  CancellationScope,
  condition,
  continueAsNew,
  makeContinueAsNewFunc,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import { sessionActivities } from './activities.ts';
import { isLong } from './decisions.ts';
import { ended, reopened, waiting } from './facts.ts';
import { registerHandlers } from './handlers.ts';
import { rejectWaiting, staysEnded } from './inbox.ts';
import type { SessionStart } from './messages.ts';
import { endProgram, startAhead } from './program.ts';
import { takeOpener } from './queue.ts';
import { recorded, recordFacts } from './recorder.ts';
import { tell, type Run } from './run.ts';
import { endAttribute, openAttributes } from './search.ts';
import { carryOver, hasWork, openSession, reopenedStart, type Session } from './state.ts';
import { lifetimeIsOver, nextAlarm, ring } from './timer.ts';
import { runTurn } from './turn.ts';

export async function session(start: SessionStart): Promise<void> {
  const state = openSession(start, Date.now());
  const run: Run = {
    session: state,
    activities: sessionActivities(state),
    programs: { starting: undefined },
  };
  registerHandlers(run);
  // Everything outlives a cancellation of the workflow, which is a request to stop in good order.
  await CancellationScope.nonCancellable(() => live(run));
}

async function live(run: Run): Promise<void> {
  void recordFacts(run);
  void keepTime(run.session);
  startAhead(run);
  await begin(run);
  while (run.session.ending === null) {
    await condition(() => mustAct(run.session));
    await takeTurn(run);
    if (isLong(run.session.limits, workflowInfo())) await startNewRun(run);
  }
  await end(run);
}

async function begin(run: Run): Promise<void> {
  const { session } = run;
  const { origin } = session.start;
  if (origin === 'reopen') session.outbox.push(reopened(session));
  if (origin !== 'continue' && !hasWork(session)) session.outbox.push(waiting(session));
  tell(run);
  if (origin === 'reopen') await recorded(run);
}

const mustAct = (session: Session): boolean =>
  session.ending !== null || hasWork(session) || isLong(session.limits, workflowInfo());

/** Answers the next message, if there is one and the session is not to end. */
async function takeTurn(run: Run): Promise<void> {
  const { session } = run;
  if (session.ending !== null || !hasWork(session)) return;
  const opener = takeOpener(session);
  // A message from the queue, of which the journal does not have everything yet.
  if (!opener) return recorded(run);
  await runTurn(run, opener);
  if (lifetimeIsOver(session, Date.now())) session.ending ??= 'lifetime';
}

/** The one timer. */
async function keepTime(session: Session): Promise<void> {
  while (session.ending === null) {
    const armed = session.timerVersion;
    const wait = Math.max(1, nextAlarm(session, Date.now()) - Date.now());
    // Wakes earlier only where a reconfiguration has changed the limits.
    await condition(() => session.timerVersion !== armed, wait);
    ring(session, Date.now());
  }
}

/**
 * Continues as new with ids and sums only: at an idle boundary or between two turns, when every content is in the journal. What arrives
 * in the meantime fails this workflow task, and is handled before it is tried again.
 */
async function startNewRun(run: Run): Promise<void> {
  const { session } = run;
  const { programs } = run;
  await condition(() => allHandlersFinished() && session.outbox.length === 0 && !programs.starting);
  if (session.ending !== null || session.openers.length > 0) return;
  await continueAsNew<(start: SessionStart) => Promise<void>>(carryOver(session));
}

async function end(run: Run): Promise<void> {
  const { session } = run;
  rejectWaiting(session);
  session.outbox.push(ended(session, session.ending ?? 'stopped'));
  session.ended = true;
  tell(run);
  upsertSearchAttributes([endAttribute(session)]);
  await endProgram(run);
  await told(session);
  await takePlace(run);
  if (session.reopening) await startReopened(session);
}

const told = (session: Session): Promise<void> =>
  condition(() => allHandlersFinished() && session.outbox.length === 0);

/**
 * Whoever reopens the session while its end is being written comes too late to keep its place among its tenant's open ones. Asked in any
 * case: a signal makes Temporal give the task again, and what the journal was told the first time is forgotten here.
 */
async function takePlace({ session, activities }: Run): Promise<void> {
  const { sessionId, openSessions } = session.start;
  if (openSessions === undefined) return;
  while (session.reopening && !(await activities.takePlace(sessionId, openSessions))) {
    staysEnded(session, 'rate_limited');
    await told(session);
  }
}

/** Somebody reopened the session while it was ending. A run of its own, as after any other reopening; only the id is the same. */
const startReopened = (session: Session): Promise<never> =>
  makeContinueAsNewFunc<(start: SessionStart) => Promise<void>>({
    typedSearchAttributes: openAttributes(session.start),
  })(reopenedStart(session));
