/** Limits that a session was given after its start. */
import type { SessionId } from '../contracts/ids.ts';
import type { LimitOverrides } from '../contracts/settings.ts';
import { lockedSession } from './locked-session.ts';
import type { SessionRow } from './port.ts';
import { sessionRow } from './session-row.ts';
import type { SessionRequest } from './session-row.ts';
import { transact } from './store.ts';
import type { Store } from './store.ts';

/** See {@link SessionStore.setLimits}. */
export const setLimits = (
  store: Store,
  sessionId: SessionId,
  limits: LimitOverrides,
): Promise<SessionRow> =>
  transact(store, async (tx) => {
    const stored = await lockedSession(tx, store, sessionId);
    const before = JSON.parse(stored.request) as SessionRequest;
    const after: SessionRequest = { ...before, limits: { ...before.limits, ...limits } };
    const request = JSON.stringify(after);
    await tx.updateTable('sessions').set({ request }).where('key', '=', stored.key).execute();
    return sessionRow({ ...stored, request });
  });
