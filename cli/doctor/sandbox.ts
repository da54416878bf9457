import { sandboxProblem } from '../../activities/tools/sandbox/probe.ts';
import type { Settings } from '../../config/settings.ts';
import { ok, problem } from './check.ts';
import type { Finding } from './check.ts';

const TOOL = 'run_command';

/** Looked at where the worker runs: a doctor on another machine says nothing about it. */
export async function checkSandbox({ catalogue }: Settings): Promise<Finding> {
  const check = 'sandbox';
  const found = await sandboxProblem();
  if (!found) return ok(check, 'bubblewrap starts');
  const users = Object.entries(catalogue.agents)
    .filter(([, { tools }]) => tools.includes(TOOL))
    .map(([name]) => name);
  return users.length === 0
    ? ok(check, `none (${found.reason}), and no agent has ${TOOL}`)
    : problem(check, `${found.reason}; ${TOOL} of ${users.join(', ')} refuses to run`, found.mend);
}
