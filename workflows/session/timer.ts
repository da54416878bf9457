/**
 * Idle, lifetime and their warnings on one timer. It re-arms itself when it fires and is never started or cancelled a turn (that would
 * cost every turn events), so it may ring when nothing is due: then it only says when to ring next. Pure; times are epoch milliseconds.
 */
import { warning } from './facts.ts';
import { isBusy, type Session } from './state.ts';

/** At most half of the idle time, so that the timer armed for a withdrawn warning's end never rings after the next warning was due. */
const warningMs = ({ limits }: Session): number => Math.min(limits.warningMs, limits.idleMs / 2);

export const idleEndsAt = (session: Session): number => session.idleSince + session.limits.idleMs;

export const lifetimeEndsAt = (session: Session): number =>
  session.startedAt + session.limits.lifetimeMs;

export const lifetimeIsOver = (session: Session, now: number): boolean =>
  now >= lifetimeEndsAt(session);

/** When the timer has to ring next. */
export function nextAlarm(session: Session, now: number): number {
  return Math.min(nextIdleAlarm(session, now), nextLifetimeAlarm(session, now));
}

function nextIdleAlarm(session: Session, now: number): number {
  // At the earliest the session becomes idle now.
  if (isBusy(session)) return now + session.limits.idleMs - warningMs(session);
  if (session.warned === 'lifetime') return Infinity;
  return idleEndsAt(session) - (session.warned === 'idle' ? 0 : warningMs(session));
}

function nextLifetimeAlarm(session: Session, now: number): number {
  if (session.warned !== 'lifetime') return lifetimeEndsAt(session) - warningMs(session);
  // With a turn open the session outlives its lifetime and ends after the turn.
  return lifetimeIsOver(session, now) ? Infinity : lifetimeEndsAt(session);
}

/** Does what is due: warns, or ends the session. */
export function ring(session: Session, now: number): void {
  if (session.ending !== null) return;
  if (now >= lifetimeEndsAt(session) - warningMs(session)) ringLifetime(session, now);
  else if (!isBusy(session) && now >= idleEndsAt(session) - warningMs(session))
    ringIdle(session, now);
}

function ringLifetime(session: Session, now: number): void {
  if (session.warned !== 'lifetime') return warn(session, 'lifetime', lifetimeEndsAt(session));
  if (lifetimeIsOver(session, now) && !isBusy(session)) session.ending = 'lifetime';
}

function ringIdle(session: Session, now: number): void {
  if (session.warned === 'idle') {
    if (now >= idleEndsAt(session)) session.ending = 'idle';
    return;
  }
  // No worker may have been there when the warning was due; a person still gets the whole time between warning and end.
  session.idleSince = Math.max(session.idleSince, now + warningMs(session) - session.limits.idleMs);
  warn(session, 'idle', idleEndsAt(session));
}

function warn(session: Session, reason: 'idle' | 'lifetime', endsAt: number): void {
  const data = { reason, endsAt: new Date(endsAt).toISOString(), withdrawn: false };
  session.outbox.push(warning(session, data));
  session.warned = reason;
}

/** A person did something: the idle time starts again and its warning is withdrawn. */
export function touch(session: Session, now: number): void {
  if (session.warned === 'idle') withdrawWarning(session, idleEndsAt(session));
  session.idleSince = now;
}

/** The lifetime was changed after its warning, which said that it ended `announced`. */
export const isWarningOutdated = (session: Session, announced: number): boolean =>
  session.warned === 'lifetime' && lifetimeEndsAt(session) !== announced;

/** Makes room for the next one: while a warning stands, only the end that it announced is waited for. */
export function withdrawWarning(session: Session, announced: number): void {
  if (session.warned === null) return;
  const endsAt = new Date(announced).toISOString();
  session.outbox.push(warning(session, { reason: session.warned, endsAt, withdrawn: true }));
  session.warned = null;
}
