/** What a session does when something is said to it, or refuses to do. Pure. */
import { ERRORS, type ErrorCode, type ErrorInfo } from '../../contracts/errors.ts';
import { MAX_QUEUED_MESSAGES } from '../../contracts/limits.ts';
import { modelRequested, rejected } from './facts.ts';
import type {
  InterruptRequest,
  QueueEditRequest,
  Reconfiguration,
  ToolResultNotice,
  UserMessage,
} from './messages.ts';
import { edit, enqueue, find, isFull } from './queue.ts';
import { isBusy, remember, type Session } from './state.ts';
import { touch } from './timer.ts';

/** Anybody with access to Temporal can signal anything; a handler that throws would stop the session for good. */
export const isUserMessage = (value: Partial<UserMessage> | undefined): value is UserMessage =>
  typeof value?.messageId === 'string' && Array.isArray(value.content);

export function receive(session: Session, message: UserMessage, now: number): void {
  if (!isUserMessage(message) || !remember(session, message.messageId)) return;
  if (session.ending !== null) return reject(session, message, 'session_closed');
  const busy = isBusy(session);
  touch(session, now);
  if (!busy) session.openers.push(message);
  else receiveBusy(session, message);
}

function receiveBusy(session: Session, message: UserMessage): void {
  if (message.policy === 'reject') return reject(session, message, 'session_busy');
  if (isFull(session)) return reject(session, message, 'queue_full');
  if (message.policy !== 'interrupt')
    return enqueue(session, message, message.policy === 'steer' ? 'steer' : 'enqueue');
  session.openers.push(message);
  if (session.turn) session.interrupting = true;
}

const REASONS = {
  session_closed: 'The session ended before this message could open a turn.',
  session_busy: 'A turn was open when this message arrived.',
  queue_full: `${MAX_QUEUED_MESSAGES} messages are waiting already.`,
} as const satisfies Partial<Record<ErrorCode, string>>;

function reject(session: Session, { messageId }: UserMessage, code: keyof typeof REASONS): void {
  session.outbox.push(rejected(messageId, code, REASONS[code]));
}

/** Every message is settled: those that never opened a turn are told so. */
export function rejectWaiting(session: Session): void {
  const waiting = [...session.openers.splice(0), ...session.queue];
  session.queue = [];
  for (const { messageId } of waiting) {
    session.outbox.push(rejected(messageId, 'session_closed', REASONS.session_closed));
  }
}

/** Interrupts the open turn, or the one that is about to open: it was there for the person who asked. */
export function interrupt(session: Session, request: InterruptRequest | undefined): void {
  if (!isBusy(session)) return;
  const current = session.turn?.id ?? session.openers[0]?.messageId;
  if (request?.turn === undefined || request.turn === current) session.interrupting = true;
}

export function stop(session: Session): void {
  session.ending ??= 'stopped';
  session.interrupting = session.turn !== null;
}

export function noteToolNews(
  session: Session,
  notice: Partial<ToolResultNotice> | undefined,
): void {
  if (notice?.callId !== undefined) session.turn?.news.add(notice.callId);
}

/** Why an update is refused, before it enters the history. */
export type Refusal = Pick<ErrorInfo, 'code' | 'message'>;

export function refuseEdit(session: Session, request: QueueEditRequest): Refusal | undefined {
  if (session.ending !== null)
    return { code: 'session_closed', message: ERRORS.session_closed.title };
  if (find(session, request.messageId)) return undefined;
  return { code: 'not_found', message: `No message ${request.messageId} is waiting in the queue.` };
}

export function editQueue(
  session: Session,
  request: QueueEditRequest,
  update: { id: string; now: number },
): void {
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
): Refusal | undefined {
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
  update: { id: string; now: number },
): void {
  touch(session, update.now);
  const from = session.model ?? session.start.model;
  if (change.model !== undefined && change.model !== from) {
    session.outbox.push(modelRequested(from, change.model, update.id));
    session.model = change.model;
  }
  if (!change.limits) return;
  session.limits = { ...session.limits, ...change.limits };
  session.timerVersion += 1;
}
