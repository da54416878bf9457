/** The attempts of one sign-in, as they are told. Pure, no zod. */
import type { AuthAttempt } from './authentication.ts';

/** A policy may allow any number: the newest are kept. */
const MAX_ATTEMPTS_TOLD = 20;

const LOST = 'the worker went away, or the attempt took too long';

/** The attempts with one more; those in between of which nobody heard were lost. */
export function withAttempt(
  before: readonly AuthAttempt[],
  attempt: AuthAttempt,
): readonly AuthAttempt[] {
  const heard = before.at(-1)?.number ?? 0;
  const first = Math.max(heard + 1, attempt.number - MAX_ATTEMPTS_TOLD);
  const lost: AuthAttempt[] = [];
  for (let number = first; number < attempt.number; number++)
    lost.push({ number, kind: 'lost', reason: LOST });
  return [...before, ...lost, attempt].slice(-MAX_ATTEMPTS_TOLD);
}

/** For people: `3 attempts; 1. network: …; 2. …`. */
export function attemptsInWords(attempts: readonly AuthAttempt[]): string {
  const words = attempts.map(({ number, kind, reason }) => `${number}. ${kind}: ${reason}`);
  const count = attempts.at(-1)?.number ?? 0;
  return [count === 1 ? '1 attempt' : `${count} attempts`, ...words].join('; ');
}
