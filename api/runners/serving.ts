/** Which calls a runner may execute. Pure. */
import { isSelected } from '../../contracts/runner-selection.ts';
import type { LedgerCall, Owner, RunnerRow } from '../../journal/port.ts';

/** Of its own user's sessions, or of the whole tenant's where it is shared. */
export const serves = (runner: RunnerRow, { tenant, user }: Owner): boolean =>
  tenant === runner.tenant && (runner.shared || user === runner.user);

/** Whether a runner may execute a call. */
export const mayServe = (runner: RunnerRow, call: LedgerCall): boolean =>
  call.mode === 'remote' &&
  call.runner !== null &&
  serves(runner, call) &&
  isSelected(runner, call.runner);

/** Whoever claimed it keeps it, whatever its labels are now and whether it is still shared. */
export const isHeldBy = (runner: RunnerRow, call: LedgerCall, holder: string): boolean =>
  call.mode === 'remote' && call.tenant === runner.tenant && call.holder === holder;

/** And offers its tool today. */
export const canServe = (runner: RunnerRow, call: LedgerCall): boolean =>
  mayServe(runner, call) && runner.tools.some(({ name }) => name === call.name);
