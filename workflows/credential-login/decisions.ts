/** When to ask again whether a person has decided (RFC 8628, section 3.5). Pure. */
import type { BegunLogin, LoginAnswer } from '../../contracts/credential-login.ts';

/** A code that lives longer is given up: nobody is there any more. */
const MAX_LOGIN_MS = 30 * 60_000;
/** However often the server lets itself be asked: each time leaves its events in the history. */
const MAX_TIMES_ASKED = 400;
const SLOW_DOWN_MS = 5_000;
const MAX_BACKOFF_MS = 60_000;

export interface Pace {
  /** Never asked again sooner than this. */
  readonly intervalMs: number;
  /** Answers in a row that never came. */
  readonly missed: number;
  readonly waitMs: number;
}

export const lifetimeOf = ({ expiresInMs }: BegunLogin): number =>
  Math.min(expiresInMs, MAX_LOGIN_MS);

export function firstPace(begun: BegunLogin): Pace {
  const intervalMs = Math.max(begun.intervalMs, Math.ceil(lifetimeOf(begun) / MAX_TIMES_ASKED));
  return { intervalMs, missed: 0, waitMs: intervalMs };
}

/** After `slow_down` each wait is 5 s longer, for good; after an answer that never came they double, until one comes. */
export function nextPace({ intervalMs, missed }: Pace, answer: LoginAnswer): Pace {
  if (answer.state === 'slow_down') {
    const slower = intervalMs + SLOW_DOWN_MS;
    return { intervalMs: slower, missed: 0, waitMs: slower };
  }
  if (answer.state !== 'unreachable') return { intervalMs, missed: 0, waitMs: intervalMs };
  const doubled = Math.min(intervalMs * 2 ** (missed + 1), Math.max(intervalMs, MAX_BACKOFF_MS));
  return {
    intervalMs,
    missed: missed + 1,
    waitMs: Math.max(doubled, answer.retryAfterMs ?? 0),
  };
}
