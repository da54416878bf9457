import { environmentSecrets } from '../../config/secrets.ts';
import type { Settings } from '../../config/settings.ts';
import { CommandFailed, EXIT } from '../exit-codes.ts';
import { printJson } from '../json-output.ts';
import { endWithReader } from '../output.ts';
import { readSettings } from '../settings.ts';
import { ok, problem } from './check.ts';
import type { Finding } from './check.ts';
import { checkHome, checkNode, checkTemporalCli } from './machine.ts';
import { checkMcpServers } from './mcp-servers.ts';
import { checkProviders } from './model.ts';
import { checkSandbox } from './sandbox.ts';
import { checkTools } from './tools.ts';
import { checkPrograms } from './programs.ts';
import { checkJournal, checkPorts, checkTemporal } from './services.ts';

const SIGNS = { ok: 'ok     ', warning: 'warning', problem: 'PROBLEM' } as const;

/** Exit code 1 when something is a problem; warnings are not. */
export async function doctor(options: { readonly json?: true }): Promise<void> {
  endWithReader();
  const findings = await examine();
  if (options.json) findings.forEach(printJson);
  else for (const finding of findings) console.log(lines(finding));
  const count = findings.filter(({ status }) => status === 'problem').length;
  if (count > 0) {
    throw new CommandFailed(count === 1 ? 'One problem.' : `${count} problems.`, EXIT.failure);
  }
}

async function examine(): Promise<readonly Finding[]> {
  const settings = await readSettings().catch((error: unknown) => error as Error);
  if (settings instanceof Error) {
    const mend = 'Correct the file or the variable; docs/configuration.md lists every setting.';
    return [checkNode(), problem('settings', settings.message, mend)];
  }
  return [checkNode(), ...(await examineWith(settings))];
}

async function examineWith(settings: Settings): Promise<readonly Finding[]> {
  const secrets = environmentSecrets();
  const { file, catalogue, modelReason } = settings;
  return [
    ok('settings', file ?? 'defaults (there is no perdure.yaml)'),
    ok('model', `${catalogue.defaultModel} (${modelReason})`),
    ...(await checkTools(settings, secrets)),
    ...(await checkMcpServers(settings, secrets)),
    ...(await checkPrograms(settings, secrets)),
    ...(await checkProviders(settings, secrets)),
    await checkTemporalCli(settings),
    await checkHome(settings),
    await checkSandbox(settings),
    await checkJournal(settings),
    ...(await checkPorts(settings)),
    ...(await checkTemporal(settings, secrets)),
  ];
}

const lines = ({ check, status, detail, mend }: Finding): string =>
  [`${SIGNS[status]}  ${check}: ${detail}`, ...(mend ? [`         → ${mend}`] : [])].join('\n');
