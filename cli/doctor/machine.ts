/** What this machine has: Node, the Temporal CLI, a data folder. */
import { access, constants, mkdir } from 'node:fs/promises';
import type { Settings } from '../../config/settings.ts';
import { presentTemporalCli } from '../../servers/temporal-cli.ts';
import { ok, problem, warning } from './check.ts';
import type { Finding } from './check.ts';

const OLDEST_NODE = 24;

export function checkNode(version: string = process.versions.node): Finding {
  return Number(version.split('.')[0]) >= OLDEST_NODE
    ? ok('Node', version)
    : problem('Node', version, 'Run `npm ci`: it installs Node 24 beside Perdure.');
}

export async function checkTemporalCli({ temporal }: Settings): Promise<Finding> {
  if (!temporal.embedded) return ok('Temporal CLI', 'not needed: a server is given');
  const path = await presentTemporalCli();
  return path
    ? ok('Temporal CLI', path)
    : warning(
        'Temporal CLI',
        'not on this machine yet',
        'The first `npm start` fetches or builds it; or install it and set TEMPORAL_CLI_PATH.',
      );
}

export async function checkHome({ home }: Settings): Promise<Finding> {
  try {
    await mkdir(home, { recursive: true, mode: 0o700 });
    await access(home, constants.W_OK);
    return ok('data folder', home);
  } catch (error) {
    const mend = 'Make it writable, or choose another with PERDURE_HOME.';
    return problem('data folder', `${home}: ${(error as Error).message}`, mend);
  }
}
