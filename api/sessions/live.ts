import { errorInfo } from '../../contracts/errors.ts';
import type { SessionId } from '../../contracts/ids.ts';
import type { SessionLimits } from '../../contracts/limits.ts';
import { isClosed } from '../../contracts/session-state.ts';
import type { LiveStatus } from '../../contracts/session.ts';
import type { ErrorInfo } from '../../contracts/errors.ts';
import type { SessionRow } from '../../journal/port.ts';
import type { ApiContext } from '../context.ts';
import { NoOpenRun } from '../engine/engine-errors.ts';
import { toPerdureError } from '../errors.ts';
import { limitsOf } from './limits.ts';

export interface SessionDetail extends Omit<SessionRow, 'limits'> {
  readonly limits: SessionLimits;
  readonly live?: LiveStatus;
  readonly liveError?: ErrorInfo;
}

/** The journal's row; with `live`, the workflow's own answer beside it, or why there is none. */
export async function getSession(
  { deps, principal }: ApiContext,
  sessionId: SessionId,
  live: boolean,
): Promise<SessionDetail> {
  const row = await deps.access.find(principal, sessionId);
  const detail = { ...row, limits: limitsOf(deps, row) };
  if (!live || isClosed(row.state)) return detail;
  try {
    return { ...detail, live: await deps.engine.status(sessionId) };
  } catch (error) {
    return { ...detail, liveError: whyNot(error) };
  }
}

function whyNot(error: unknown): ErrorInfo {
  if (error instanceof NoOpenRun) return errorInfo('not_found', 'Temporal has no open run of it.');
  const known = toPerdureError(error);
  // A query's deadline does not tell a missing worker from a busy one.
  if (known.code === 'engine_unavailable')
    return errorInfo('worker_unavailable', 'The workflow did not answer within a second.');
  return known.toInfo();
}
