/** Which calls a runner may execute. Pure. */
import { isSelected } from '../../contracts/runner-selection.ts';
import type { LedgerCall, RunnerRow } from '../../journal/port.ts';

/** Whether a runner may execute a call: of its user's sessions, or of the whole tenant's where it is shared. */
export const mayServe = (runner: RunnerRow, call: LedgerCall): boolean =>
  call.mode === 'remote' &&
  call.runner !== null &&
  call.tenant === runner.tenant &&
  (runner.shared || call.user === runner.user) &&
  isSelected(runner, call.runner);

/** And offers its tool today. */
export const canServe = (runner: RunnerRow, call: LedgerCall): boolean =>
  mayServe(runner, call) && runner.tools.some(({ name }) => name === call.name);
