import { inspectTools } from '../../worker/tools.ts';
import type { SecretLookup } from '../../config/secrets.ts';
import type { Settings } from '../../config/settings.ts';
import { ok, problem, warning } from './check.ts';
import type { Finding } from './check.ts';

const NO_LOG = { debug() {}, info() {}, warn() {}, error() {} };

/** One finding a problem; the tools that agents name, and those of the folder. */
export async function checkTools(
  settings: Settings,
  secrets: SecretLookup,
): Promise<readonly Finding[]> {
  const { names, problems, unset } = await inspectTools(settings, { secrets, log: NO_LOG });
  const mend = 'Correct the file; docs/tools.md says what a tool is.';
  const folder = settings.toolsFolder;
  return [
    ...problems.map(({ path, source, message }) =>
      problem('tools', `${[path, source].filter(Boolean).join(' ')}: ${message}`, mend),
    ),
    ...unset.map(({ tool, variable }) =>
      warning(`tool ${tool}`, `${variable} is not set`, `Set ${variable} for the worker.`),
    ),
    ...(folder !== null && problems.length === 0
      ? [ok('tools', `${names.join(', ') || 'none'} in ${folder}`)]
      : []),
  ];
}
