import type { RunnerId } from '../../contracts/ids.ts';
import { PerdureError } from '../../contracts/perdure-error.ts';
import type { RunnerRow } from '../../journal/port.ts';
import type { ApiContext } from '../context.ts';

/** The caller's own runner: whoever sees another's may not act for it. @throws not_found */
export async function ownRunner(
  { deps, principal }: ApiContext,
  runnerId: RunnerId,
): Promise<RunnerRow> {
  const row = await deps.journal.runners.get(runnerId);
  if (row && row.tenant === principal.tenant && row.user === principal.user) return row;
  throw unknownRunner(runnerId);
}

/** Names the field: a runner tells by it that it was removed, and its call was not. */
export const unknownRunner = (runnerId: RunnerId): PerdureError =>
  new PerdureError('not_found', `There is no runner ${runnerId}.`, { field: 'runnerId' });

/** @throws runner_replaced where another process has registered under this name since */
export function refuseReplaced({ name, instance }: RunnerRow, caller: string): void {
  if (instance === caller) return;
  throw new PerdureError(
    'runner_replaced',
    `Another process has registered as runner "${name}": it has the calls now.`,
  );
}
