/** Limits that a session was given after its start. */
import type { SessionId } from '../contracts/ids.ts';
import type { LimitOverrides } from '../contracts/settings.ts';
import { lockedSession } from './locked-session.ts';
import type { LimitsChange, SessionRow } from './port.ts';
import { sessionRow } from './session-row.ts';
import type { SessionRequest } from './session-row.ts';
import { transact } from './store.ts';
import type { Store } from './store.ts';

function withNewer(
  request: SessionRequest,
  limits: LimitOverrides,
  decidedAt: number,
): SessionRequest {
  const newer = Object.entries(limits).filter(
    ([name]) => decidedAt >= (request.decidedAt?.[name] ?? 0),
  );
  const times = newer.map(([name]) => [name, decidedAt] as const);
  return {
    ...request,
    limits: { ...request.limits, ...Object.fromEntries(newer) },
    decidedAt: { ...request.decidedAt, ...Object.fromEntries(times) },
  };
}

/** See {@link SessionStore.setLimits}. */
export const setLimits = (
  store: Store,
  sessionId: SessionId,
  { limits, decidedAt = 0 }: LimitsChange,
): Promise<SessionRow> =>
  transact(store, async (tx) => {
    const stored = await lockedSession(tx, store, sessionId);
    const before = JSON.parse(stored.request) as SessionRequest;
    const request = JSON.stringify(withNewer(before, limits, decidedAt));
    await tx.updateTable('sessions').set({ request }).where('key', '=', stored.key).execute();
    return sessionRow({ ...stored, request });
  });
