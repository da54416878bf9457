/** SQLite's result codes (https://sqlite.org/rescode.html) as the journal's faults. */
import type { Fault } from '../store.ts';
import { SqliteError } from './client.ts';

const BUSY = 5;
const LOCKED = 6;
const TOO_BIG = 18;
const CONSTRAINT = 19;
const MISMATCH = 20;
/** A statement that is wrong in itself. */
const ERROR = 1;
const RANGE = 25;

const FAULTS = new Map<number, Fault>([
  [BUSY, 'retry'],
  [LOCKED, 'retry'],
  [TOO_BIG, 'data'],
  [CONSTRAINT, 'data'],
  [MISMATCH, 'data'],
  [ERROR, 'bug'],
  [RANGE, 'bug'],
]);

/** Disk full, read only, I/O error, damaged file, thread gone: everything else that comes from SQLite. */
export function faultOf(error: unknown): Fault {
  if (!(error instanceof SqliteError)) return 'bug';
  return FAULTS.get((error.errcode ?? 0) & 0xff) ?? 'unavailable';
}
