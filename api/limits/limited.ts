import { PerdureError } from '../../contracts/perdure-error.ts';

/** Says when to come again, in whole seconds, as the header does. */
export function limited(forMs: number, what: string): PerdureError {
  const seconds = Math.max(1, Math.ceil(forMs / 1_000));
  return new PerdureError('rate_limited', `Too many requests (${what}): wait ${seconds} s.`, {
    retryAfterMs: seconds * 1_000,
  });
}
