/** What people may change in a session that is under way, and when it refuses (updates). Pure. */
import { ERRORS, type ErrorInfo } from '../../contracts/errors.ts';
import { modelRequested } from './facts.ts';
import type { QueueEditRequest, Reconfiguration, Reconfigured } from './messages.ts';
import { edit, find } from './queue.ts';
import { rememberUpdate, type Session } from './state.ts';
import { touch } from './timer.ts';

/** Why an update is refused, before it enters the history. */
export type Refusal = Pick<ErrorInfo, 'code' | 'message'>;

export interface UpdateRef {
  /** Stands for all that was asked. */
  readonly id: string;
  /** Stands for the request's idempotency key, where it had one. */
  readonly key?: string | undefined;
  /** Epoch milliseconds. */
  readonly now: number;
}

/** The same key asks for the same, or is a mistake of the client's that must not pass for done. */
function refuseReuse(known: string, { id }: UpdateRef): Refusal | undefined {
  if (known === id) return undefined;
  const message = 'This idempotency key was used for a different change of this session.';
  return { code: 'idempotency_conflict', message };
}

const knownUnder = ({ updates }: Session, { key }: UpdateRef): string | undefined =>
  key === undefined ? undefined : updates.get(key);

/** @returns false where nothing is left to do: Temporal answers a repeat itself, so the update was made in a run before this one */
const isNew = (session: Session, { id, key }: UpdateRef): boolean =>
  key === undefined || rememberUpdate(session, key, id);

export function refuseEdit(
  session: Session,
  request: QueueEditRequest,
  update: UpdateRef,
): Refusal | undefined {
  const known = knownUnder(session, update);
  if (known !== undefined) return refuseReuse(known, update);
  if (session.ending !== null)
    return { code: 'session_closed', message: ERRORS.session_closed.title };
  if (find(session, request.messageId)) return undefined;
  return { code: 'not_found', message: `No message ${request.messageId} is waiting in the queue.` };
}

export function editQueue(session: Session, request: QueueEditRequest, update: UpdateRef): void {
  if (!isNew(session, update)) return;
  touch(session, update.now);
  edit(session, request, update.id);
}

const positive = (value: unknown): boolean => typeof value === 'number' && value > 0;
const UNLIMITED_WHEN_NULL = new Set<string>([
  'tokensPerTurn',
  'usdPerTurn',
  'tokensPerSession',
  'usdPerSession',
]);

export function refuseReconfiguration(
  session: Session,
  change: Reconfiguration,
  update: UpdateRef,
): Refusal | undefined {
  const known = knownUnder(session, update);
  if (known !== undefined) return refuseReuse(known, update);
  if (session.ending !== null)
    return { code: 'session_closed', message: ERRORS.session_closed.title };
  if (change.model !== undefined && (typeof change.model !== 'string' || change.model === '')) {
    return { code: 'invalid_input', message: 'model: expected the name of a model.' };
  }
  for (const [name, value] of Object.entries(change.limits ?? {})) {
    if (!(name in session.limits))
      return { code: 'invalid_input', message: `limits.${name}: unknown limit.` };
    if (!positive(value) && !(value === null && UNLIMITED_WHEN_NULL.has(name))) {
      return { code: 'invalid_input', message: `limits.${name}: expected a positive number.` };
    }
  }
  return undefined;
}

export function reconfigure(
  session: Session,
  change: Reconfiguration,
  update: UpdateRef,
): Reconfigured | undefined {
  if (!isNew(session, update)) return undefined;
  touch(session, update.now);
  const from = session.model ?? session.start.model;
  if (change.model !== undefined && change.model !== from) {
    session.outbox.push(modelRequested(from, change.model, update.id));
    session.model = change.model;
  }
  if (change.limits) {
    session.limits = { ...session.limits, ...change.limits };
    session.timerVersion += 1;
  }
  // Several may come within a millisecond; the next run begins later than that.
  session.decidedAt = Math.max(session.decidedAt + 1, update.now);
  return { decidedAt: session.decidedAt };
}
