/**
 * The facts that a session decides. A key is made of what the fact is about, never of a counter: counters repeat after a workflow's
 * reset or a restored backup, and a repeated key would swallow a new fact. Pure.
 */
import type { Fact, ProgramRef } from '../../contracts/activities.ts';
import type { AuthOutcome } from '../../contracts/authentication.ts';
import { errorInfo, type ErrorInfo } from '../../contracts/errors.ts';
import { removalOf } from '../../contracts/fact-keys.ts';
import type { EventData, NewEvent } from '../../contracts/events.ts';
import type { MessageId } from '../../contracts/ids.ts';
import type { EndReason } from '../../contracts/session-state.ts';
import type { QueueEditRequest, UserMessage } from './messages.ts';
import type { OpenTurn, Session } from './state.ts';

/** Tells the runs of a session apart: a reopened one starts anew, a continued one does not. */
const era = (session: Session): string => session.startedAt.toString(36);

const fact = (key: string, event: NewEvent): Fact => ({ key, event });

export const waiting = (session: Session): Fact =>
  fact(`waiting:${era(session)}`, { type: 'session.state', data: { state: 'waiting' } });

export const reopened = (session: Session): Fact =>
  fact(`reopened:${era(session)}`, { type: 'session.reopened', data: {} });

export const ended = (session: Session, reason: EndReason): Fact =>
  fact(`ended:${era(session)}`, {
    type: 'session.ended',
    data: { reason, ...(session.reopening ? { reopening: true } : {}) },
  });

export function warning(session: Session, data: EventData<'session.warning'>): Fact {
  const verb = data.withdrawn ? 'withdrawn' : 'warned';
  // What moves an end that was announced, a message or a reconfiguration, starts the idle time anew.
  const since = session.idleSince.toString(36);
  return fact(`${verb}:${data.reason}:${since}`, { type: 'session.warning', data });
}

/** Moves with everything that a person says. At its end a session is told many things at once, which the time does not tell apart. */
const moment = ({ idleSince, late }: Session): string =>
  `${idleSince.toString(36)}${late === 0 ? '' : `.${late}`}`;

/** A message that was rejected may be sent again, to the reopened session or at its end: that is another wait, and has another key. */
export const queued = (session: Session, { messageId, content, policy }: UserMessage): Fact =>
  fact(`queued:${messageId}:${session.late === 0 ? era(session) : moment(session)}`, {
    type: 'message.queued',
    data: { messageId, content: [...content], policy },
  });

/** One that is sent again may be rejected again: what is said to a session moves its idle time. */
export const rejected = (session: Session, messageId: MessageId, error: ErrorInfo): Fact =>
  fact(`rejected:${messageId}:${moment(session)}`, {
    type: 'message.rejected',
    data: { messageId, error },
  });

export const programReady = ({ provider, programId }: ProgramRef): Fact =>
  fact(`program:${programId}:ready`, {
    type: 'program.state',
    data: { provider, state: 'ready' },
  });

export function programTerminated(
  { conversation }: Session,
  { provider, programId }: ProgramRef,
  reason: 'ended' | 'lost' | 'drained',
): Fact {
  const data = { provider, state: 'terminated' as const, reason };
  return fact(`program:${programId}:terminated`, {
    type: 'program.state',
    data: conversation === undefined ? data : { ...data, conversation },
  });
}

/** The hash is the refused content's: sent again, it is refused by the same fact. */
export const conflicting = (messageId: MessageId, hash: number): Fact =>
  fact(`conflict:${messageId}:${hash.toString(36)}`, {
    type: 'message.rejected',
    data: {
      messageId,
      error: errorInfo(
        'idempotency_conflict',
        'Another message came under this id first, and stays: send this one under an id of its own.',
      ),
    },
  });

/** The same of an id that an earlier run has seen, whose content only the journal knows: it compares. */
export const conflictingWithEarlier = (
  { messageId, content }: UserMessage,
  hash: number,
): Fact => ({ ...conflicting(messageId, hash), ifNot: [...content] });

/** `editId` is the update's id, which is the request's idempotency key. */
export function edited(request: QueueEditRequest, editId: string): Fact {
  const { messageId } = request;
  if (request.action === 'remove')
    return fact(removalOf(messageId), { type: 'message.removed', data: { messageId } });
  const change =
    request.action === 'edit'
      ? { content: [...request.content] }
      : request.action === 'move'
        ? { position: request.position }
        : { policy: 'steer' as const };
  return fact(`edit:${messageId}:${editId}`, {
    type: 'message.edited',
    data: { messageId, ...change },
  });
}

export const modelRequested = (from: string, to: string, editId: string): Fact =>
  fact(`model:${editId}`, { type: 'model.switched', data: { from, to, reason: 'requested' } });

/** Signing in may happen again in the same step, at another time. */
export function authSettled({ turn }: Session, outcome: AuthOutcome, now: number): Fact {
  const where = turn ? { turn: turn.id, step: turn.step } : {};
  const key = `auth:${outcome.credential}:${turn?.id ?? ''}:${now.toString(36)}`;
  const data = { ...outcome, attempts: [...outcome.attempts] };
  return { ...fact(key, { type: 'auth.settled', data }), ...where };
}

/** A turn that a limit ended between two steps; every other end is written by the step itself or its seal. */
export const turnSettled = (
  turn: OpenTurn,
  outcome: 'limit_exceeded' | 'budget_exhausted',
  error: ErrorInfo,
): Fact => ({
  key: `settled:${turn.id}`,
  turn: turn.id,
  event: {
    type: 'turn.settled',
    data: { outcome, usage: turn.spend.usage, costUsd: turn.spend.costUsd, error },
  },
});
