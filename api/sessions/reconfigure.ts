import type { SessionId } from '../../contracts/ids.ts';
import type { LimitOverrides } from '../../contracts/settings.ts';
import { isClosed } from '../../contracts/session-state.ts';
import type { ApiContext } from '../context.ts';
import { NoOpenRun } from '../engine/engine-errors.ts';
import type { Commanded } from './commands.ts';
import { settleLost } from './lost-run.ts';
import { updateNamed } from './queue.ts';
import { closedError } from './send.ts';
import { chosen, refuseForProgram } from './start.ts';

interface Change {
  readonly sessionId: SessionId;
  readonly model?: string | undefined;
  readonly limits?: LimitOverrides | undefined;
}

/** Holds from the next model step on. @throws session_closed, worker_unavailable */
export async function reconfigureSession(
  { deps, principal, idempotencyKey }: ApiContext,
  { sessionId, model, limits }: Change,
): Promise<Commanded> {
  const row = await deps.access.findForCommand(principal, sessionId);
  if (isClosed(row.state)) throw closedError(row);
  const { agents, models } = deps.catalogue;
  const engine = agents[row.agent]?.engine;
  if (engine) refuseForProgram(engine.cli, 'model', model);
  else if (model !== undefined) chosen('model', model, models);
  const change = { model, limits };
  try {
    const update = updateNamed(idempotencyKey, { reconfigure: change });
    const reconfigured = await deps.engine.reconfigure(sessionId, change, update);
    // For its next run; a change of model is an event. Where this fails the caller asks again, which is harmless.
    if (limits) {
      const { sessions } = deps.journal;
      deps.access.remember(await sessions.setLimits(sessionId, { limits, ...reconfigured }));
    }
  } catch (error) {
    throw error instanceof NoOpenRun ? closedError(await settleLost(deps, row)) : error;
  }
  return { sessionId, state: row.state };
}
