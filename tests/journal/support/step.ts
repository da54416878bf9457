import { emptyJournal } from './dialects.ts';
import type { Database, Dialect } from './dialects.ts';
import { openStep } from './facts.ts';

/** A journal on an empty database, with one session whose first step has an attempt that may write. */
export async function journalWithStep<D extends Database>(dialect: Dialect<D>, now?: () => number) {
  const opened = await emptyJournal(dialect, now);
  return { ...opened, ...(await openStep(opened.journal)) };
}
