/** Interrupt, stop and reopen: each harmless to repeat, each answered with the state it leads to. */
import type { MessageId, SessionId } from '../../contracts/ids.ts';
import { isClosed, type SessionState } from '../../contracts/session-state.ts';
import type { SessionRow } from '../../journal/port.ts';
import type { ApiContext } from '../context.ts';
import type { ApiDeps } from '../deps.ts';
import { NoOpenRun } from '../engine/engine-errors.ts';
import { startOf } from './engine-start.ts';
import { settleLost } from './lost-run.ts';
import { reopenWith } from './reopening.ts';
import { closedError } from './send.ts';

export interface Commanded {
  readonly sessionId: SessionId;
  readonly state: SessionState;
}

/** @throws session_closed */
export async function interruptSession(
  { deps, principal }: ApiContext,
  sessionId: SessionId,
  turn: MessageId | undefined,
): Promise<Commanded> {
  const row = await deps.access.findForCommand(principal, sessionId);
  if (isClosed(row.state)) throw closedError(row);
  await openOr(
    () => deps.engine.interrupt(sessionId, turn ? { turn } : {}),
    async () => {
      throw closedError(await settleLost(deps, row));
    },
  );
  return answer(row);
}

/** Whoever has reopened a session that is closed for the journal still, or has it reopened at the moment, is told to stop too. */
export async function stopSession(
  { deps, principal }: ApiContext,
  sessionId: SessionId,
): Promise<Commanded> {
  const row = await deps.access.findForCommand(principal, sessionId);
  const stopped = await openOr(
    () => deps.engine.stop(sessionId).then(() => row),
    () => stopWithoutRun(deps, row),
  );
  deps.access.forget(sessionId);
  return answer(stopped);
}

async function stopWithoutRun(deps: ApiDeps, row: SessionRow): Promise<SessionRow> {
  if (row.state !== 'starting') return settleLost(deps, row);
  // Its start stopped half-way. A run that is started and told to stop at once leaves a tidy end in the journal.
  const begun = await deps.engine.start(startOf(deps, row, { origin: 'start' }));
  return openOr(
    () => deps.engine.stop(row.sessionId).then(() => row),
    () => (begun ? row : settleLost(deps, row)),
  );
}

/** A session that is open stays as it is, unless it is about to end. */
export async function reopenSession(
  { deps, principal }: ApiContext,
  sessionId: SessionId,
): Promise<Commanded> {
  const row = await deps.access.findForCommand(principal, sessionId);
  if (isClosed(row.state)) return reopenClosed(deps, row);
  return openOr(
    () => deps.engine.reopenOpen(sessionId).then(() => answer(row)),
    async () => {
      const start = startOf(deps, row, { origin: 'start' });
      if (row.state === 'starting' && (await deps.engine.start(start))) return answer(row);
      const settled = await settleLost(deps, row);
      return isClosed(settled.state) ? reopenClosed(deps, settled) : answer(settled);
    },
  );
}

async function reopenClosed(deps: ApiDeps, row: SessionRow): Promise<Commanded> {
  await reopenWith(deps, row);
  return { sessionId: row.sessionId, state: 'waiting' };
}

async function openOr<T>(command: () => Promise<T>, otherwise: () => Promise<T> | T): Promise<T> {
  try {
    return await command();
  } catch (error) {
    if (!(error instanceof NoOpenRun)) throw error;
    return otherwise();
  }
}

const answer = ({ sessionId, state }: SessionRow): Commanded => ({ sessionId, state });
