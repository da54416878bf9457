/**
 * A session whose agent is a program on a worker's machine (mission D4): it is started once, asked a message at a time, and ended with the
 * session. Where it is lost, the turn says so and the next one starts it again; no message is sent twice.
 */
import {
  ActivityFailure,
  ApplicationFailure,
  CancellationScope,
  isCancellation,
  log,
  TimeoutFailure,
} from '@temporalio/workflow';
import type { ModelStepResult, ProgramRef } from '../../contracts/activities.ts';
import { authenticateFirst } from './authenticate-first.ts';
import { commandFailureCode } from './decisions.ts';
import { programReady, programTerminated } from './facts.ts';
import { tell, type Run } from './run.ts';
import type { OpenTurn } from './state.ts';

/** Starts it ahead of the first message, whose turn tells what went wrong. */
export function startAhead(run: Run): void {
  if (run.session.start.engine && !run.session.program) theProgram(run).catch(() => undefined);
}

/** The step of a turn, instead of a call of the model. */
export async function askProgram(run: Run, turn: OpenTurn): Promise<ModelStepResult> {
  const { session, activities } = run;
  const program = await theProgram(run);
  try {
    const { result, conversation } = await activities.executeCommand(program, turn);
    session.conversation = conversation ?? session.conversation;
    const { provider, programId, queue } = program;
    // That it goes on with an earlier conversation has worked.
    if (session.program?.programId === programId && result.outcome === 'completed')
      session.program = { provider, programId, queue };
    return result;
  } catch (error) {
    // A person's interrupt: the step is sealed, and the program waits for the next message.
    if (!isCancellation(error)) lose(run, program);
    throw failureOf(error);
  }
}

/** Nothing is left of it when this returns: where its worker does not answer, the program went with the worker. */
export async function endProgram(run: Run): Promise<void> {
  const { session, activities } = run;
  await run.programs.starting?.catch(() => undefined);
  const { program } = session;
  if (!program) return;
  session.program = null;
  await activities
    .terminateProgram(program)
    .catch((failure: unknown) => log.info('The program was gone already', { failure }));
  session.outbox.push(programTerminated(session, program, 'ended'));
}

function theProgram(run: Run): Promise<ProgramRef> {
  const { session, programs } = run;
  if (session.program) return Promise.resolve(session.program);
  programs.starting ??= start(run).finally(() => (programs.starting = undefined));
  return programs.starting;
}

/** Whoever interrupts the turn that waits for it does not interrupt the start: the next turn finds it. */
async function start(run: Run): Promise<ProgramRef> {
  const { session, activities } = run;
  const program = await CancellationScope.nonCancellable(async () => {
    await signIn(run);
    return activities.startProgram();
  });
  // Its worker has gone away since.
  if (session.leftProgram === program.programId) return start(run);
  session.program = program;
  session.outbox.push(programReady(program));
  tell(run);
  return program;
}

async function signIn(run: Run): Promise<void> {
  const { engine } = run.session.start;
  if (engine?.credential === undefined) return;
  const outcome = await authenticateFirst(run, engine.credential);
  if (outcome.outcome === 'succeeded') return;
  const { code, message } = outcome.error;
  throw ApplicationFailure.create({ type: code, message, nonRetryable: true });
}

function lose(run: Run, program: ProgramRef): void {
  const { session, activities } = run;
  if (session.program?.programId !== program.programId) return;
  session.program = null;
  // One that failed at going on with a conversation would fail again.
  if (program.resumed) session.conversation = undefined;
  session.outbox.push(programTerminated(session, program, 'lost'));
  activities.terminateProgram(program).catch(() => undefined);
  tell(run);
}

function failureOf(error: unknown): unknown {
  if (!(error instanceof ActivityFailure) || isCancellation(error)) return error;
  const { cause } = error;
  const type = cause instanceof ApplicationFailure ? cause.type : undefined;
  const code = commandFailureCode(type);
  const message = cause instanceof TimeoutFailure || !cause ? LOST : cause.message;
  return ApplicationFailure.create({ type: code, message, nonRetryable: true });
}

const LOST =
  "The program's worker does not answer any more, and what it has done is not known. Send the message again: it starts the program anew.";
