/** PostgreSQL's SQLSTATEs (https://www.postgresql.org/docs/17/errcodes-appendix.html) as the journal's faults. */
import type { Fault } from '../store.ts';

/** Serialisation failure, deadlock, lock time-out. */
const RETRY = new Set(['40001', '40P01', '55P03']);
/** Classes: data exception, integrity constraint violation, program limit exceeded. */
const DATA = new Set(['22', '23', '54']);
/**
 * Classes: syntax error or missing object, feature not supported, internal error. All others say that the server is going away, has no
 * room, took too long, or is read-only.
 */
const BUG = new Set(['42', '0A', 'XX']);

export function faultOf(error: unknown): Fault {
  const { code } = error as { readonly code?: string };
  if (code === undefined) return isPlain(error) ? 'unavailable' : 'bug';
  // A network error of Node's: ECONNREFUSED, ETIMEDOUT …
  if (!/^[0-9A-Z]{5}$/.test(code)) return /^E[A-Z]+$/.test(code) ? 'unavailable' : 'bug';
  if (RETRY.has(code)) return 'retry';
  const group = code.slice(0, 2);
  if (DATA.has(group)) return 'data';
  return BUG.has(group) ? 'bug' : 'unavailable';
}

/** `pg` and its pool speak of lost connections in plain errors without a code; bugs are TypeErrors and the like, refusals our own classes. */
const isPlain = (error: unknown): boolean => Object.getPrototypeOf(error) === Error.prototype;
