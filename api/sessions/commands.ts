/** Interrupt, stop and reopen: each harmless to repeat, each answered with the state it leads to. */
import type { MessageId, SessionId } from '../../contracts/ids.ts';
import { isClosed, type SessionState } from '../../contracts/session-state.ts';
import type { SessionRow } from '../../journal/port.ts';
import type { ApiContext } from '../context.ts';
import { NoOpenRun } from '../engine/engine-errors.ts';
import { startOf } from './engine-start.ts';
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
    () => {
      throw closedError(row);
    },
  );
  return answer(row);
}

/** A session that has ended is stopped already. */
export async function stopSession(
  { deps, principal }: ApiContext,
  sessionId: SessionId,
): Promise<Commanded> {
  const row = await deps.access.findForCommand(principal, sessionId);
  if (isClosed(row.state)) return answer(row);
  await openOr(
    () => deps.engine.stop(sessionId),
    async () => {
      if (row.state !== 'starting') return;
      // Its start stopped half-way. A run that is started and told to stop at once leaves a tidy end in the journal.
      await deps.engine.start(startOf(deps, row, { origin: 'start' }));
      await deps.engine.stop(sessionId);
    },
  );
  deps.access.forget(sessionId);
  return answer(row);
}

/** A session that is open stays as it is. */
export async function reopenSession(
  { deps, principal }: ApiContext,
  sessionId: SessionId,
): Promise<Commanded> {
  const row = await deps.access.findForCommand(principal, sessionId);
  if (!isClosed(row.state)) return answer(row);
  await deps.engine.reopen(startOf(deps, row, { origin: 'reopen' }));
  return { sessionId, state: 'waiting' };
}

async function openOr(
  command: () => Promise<unknown>,
  otherwise: () => Promise<void> | void,
): Promise<void> {
  try {
    await command();
  } catch (error) {
    if (!(error instanceof NoOpenRun)) throw error;
    await otherwise();
  }
}

const answer = ({ sessionId, state }: SessionRow): Commanded => ({ sessionId, state });
