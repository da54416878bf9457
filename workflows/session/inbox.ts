/** What a session does when something is said to it (signals). Pure. */
import type { ProgramLeft } from '../../contracts/activities.ts';
import { errorInfo, type ErrorCode } from '../../contracts/errors.ts';
import { MAX_QUEUED_MESSAGES } from '../../contracts/limits.ts';
import { contentHash } from './content-hash.ts';
import {
  conflicting,
  conflictingWithEarlier,
  programTerminated,
  queued,
  rejected,
} from './facts.ts';
import type { InterruptRequest, ToolResultNotice, UserMessage } from './messages.ts';
import { enqueue, isFull, nextInQueue } from './queue.ts';
import { isBusy, remember, type Session } from './state.ts';
import { touch } from './timer.ts';

/** Anybody with access to Temporal can signal anything; a handler that throws would stop the session for good. */
export const isUserMessage = (value: Partial<UserMessage> | undefined): value is UserMessage =>
  typeof value?.messageId === 'string' && Array.isArray(value.content);

export function receive(session: Session, received: UserMessage, now: number): void {
  if (!isUserMessage(received) || isKnown(session, received)) return;
  if (session.ending !== null) return receiveLate(session, received, now);
  // What was only said to the session is nothing to its steps.
  const { reopen: _, ...message } = received;
  const busy = isBusy(session);
  touch(session, now);
  if (busy) return receiveBusy(session, message);
  // What an interrupt was meant for may have been removed from the queue since.
  session.interrupting = false;
  session.openers.push(message);
}

function receiveBusy(session: Session, message: UserMessage): void {
  if (message.policy === 'reject') return turnAway(session, message, 'session_busy');
  if (isFull(session)) return turnAway(session, message, 'queue_full');
  if (message.policy !== 'interrupt')
    return enqueue(session, message, message.policy === 'steer' ? 'steer' : 'enqueue');
  session.openers.push(message);
  if (session.turn) session.interrupting = true;
}

/**
 * Another content under an id that came a moment ago: the journal, which tells the API of used ids, did not know the first one yet.
 */
export function isAnother(session: Session, received: UserMessage): boolean {
  if (!isUserMessage(received)) return false;
  const first = session.seen.get(received.messageId);
  return first !== undefined && first !== contentHash(received.content);
}

/** The first one stays as it is; whoever sent this one finds its refusal in the log. */
export const refuseAnother = (session: Session, { messageId, content }: UserMessage): void => {
  session.outbox.push(conflicting(messageId, contentHash(content)));
};

/** The id is known from an earlier run, which has left the content to the journal. */
export const isOfEarlierRun = (session: Session, received: UserMessage): boolean =>
  isUserMessage(received) &&
  session.seen.has(received.messageId) &&
  session.seen.get(received.messageId) === undefined &&
  !session.turnedAway.has(received.messageId);

/** A repeat is dropped. Whoever sent something else is told so in the log. */
export const compareWithEarlier = (session: Session, message: UserMessage): void => {
  session.outbox.push(conflictingWithEarlier(message, contentHash(message.content)));
};

/** It may come again under its id. Not in the runs of a release that dropped it then: their histories say so. */
function turnAway(
  session: Session,
  message: UserMessage,
  code: 'session_busy' | 'queue_full',
): void {
  reject(session, message, code);
  if (session.start.signalsInOrder) session.seen.delete(message.messageId);
}

/** What was turned away because the session was ending may come again with leave to reopen it. */
function isKnown(session: Session, { messageId, content, reopen }: UserMessage): boolean {
  const hash = contentHash(content);
  if (remember(session, messageId, hash)) return false;
  if (reopen !== true || !session.turnedAway.delete(messageId)) return true;
  session.seen.set(messageId, hash);
  return false;
}

/** The session is about to end: a new run answers what may reopen it, and its content is safe in the journal until then. */
function receiveLate(session: Session, message: UserMessage, now: number): void {
  session.late += 1;
  session.idleSince = now;
  if (message.reopen !== true) return reject(session, message, 'session_closed');
  if (message.policy === 'reject' && session.held.length > 0)
    return reject(session, message, 'session_busy');
  if (session.held.length >= MAX_QUEUED_MESSAGES) return reject(session, message, 'queue_full');
  session.reopening = true;
  session.held.push({ messageId: message.messageId, policy: 'enqueue', unrecorded: 0 });
  session.outbox.push(queued(session, { ...message, policy: 'enqueue' }));
}

const REASONS = {
  session_closed: 'The session ended before this message could open a turn.',
  session_busy: 'A turn was open when this message arrived.',
  rate_limited: 'The session had ended, and its tenant has as many open sessions as it may.',
  queue_full: `${MAX_QUEUED_MESSAGES} messages are waiting already.`,
} as const satisfies Partial<Record<ErrorCode, string>>;

function reject(
  session: Session,
  { messageId }: Pick<UserMessage, 'messageId'>,
  code: keyof typeof REASONS,
): void {
  session.outbox.push(rejected(session, messageId, errorInfo(code, REASONS[code])));
  if (session.ending !== null) session.turnedAway.add(messageId);
  // Nothing stands under its id any more that another content could contradict.
  if (session.seen.has(messageId)) session.seen.set(messageId, undefined);
}

/** Every message is settled: those that never opened a turn are told so. */
export function rejectWaiting(session: Session): void {
  const waiting = [...session.openers.splice(0), ...session.queue];
  session.queue = [];
  for (const message of waiting) reject(session, message, 'session_closed');
}

/** Interrupts the open turn, or the one that is about to open: it was there for the person who asked. */
export function interrupt(session: Session, request: InterruptRequest | undefined): void {
  if (!isBusy(session)) return;
  const next = session.openers[0] ?? nextInQueue(session);
  const current = session.turn?.id ?? next?.messageId;
  if (request?.turn === undefined || request.turn === current) session.interrupting = true;
}

/** Also takes back what would have followed the end. */
export function stop(session: Session): void {
  session.ending ??= 'stopped';
  session.interrupting = session.turn !== null;
  staysEnded(session, 'session_closed');
}

/** What would have followed the end does not. */
export function staysEnded(session: Session, code: 'session_closed' | 'rate_limited'): void {
  session.reopening = false;
  for (const message of session.held.splice(0)) reject(session, message, code);
}

export function reopen(session: Session): void {
  if (session.ending !== null) session.reopening = true;
}

export function noteToolNews(
  session: Session,
  notice: Partial<ToolResultNotice> | undefined,
): void {
  if (notice?.callId !== undefined) session.turn?.news.add(notice.callId);
}

/** The next message starts another one. Said again, or of an earlier program, it is nothing. */
export function noteProgramLeft(session: Session, left: Partial<ProgramLeft> | undefined): void {
  const { program } = session;
  session.leftProgram = left?.programId;
  if (!program || program.programId !== left?.programId) return;
  session.program = null;
  session.conversation = left.conversation ?? session.conversation;
  session.outbox.push(programTerminated(session, program, 'drained'));
}
