/** How a program's processes are started: with what environment, where, and in which confinement. */
import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import path from 'node:path';
import type { CliProvider } from '../../contracts/cli-providers.ts';
import type { SecretLookup } from '../model/providers.ts';
import { requireSandbox } from '../tools/sandbox/probe.ts';
import { sandboxEnvironment } from '../tools/sandbox/spec.ts';
import { isInside } from '../tools/workspace/inside.ts';
import { startConfined } from './confined-process.ts';
import type { Confinement } from './confined-process.ts';
import { startGuarded } from './guarded-process.ts';
import type { RunningProcess } from './process.ts';
import { notInstalled } from './program-failure.ts';

export interface Place {
  /** The program's own: its home, and where it works unless it has the workspace. */
  readonly directory: string;
  readonly workspace: string | null;
  /** Perdure's data folder, real path. */
  readonly home: string;
  readonly secrets: SecretLookup;
}

type Spawn = (args: readonly string[]) => RunningProcess;

/** @throws {PerdureError} `model_rejected` where the program is not there, `tool_denied` where no sandbox is to be had */
export async function spawner(name: string, provider: CliProvider, place: Place): Promise<Spawn> {
  const environment = environmentOf(provider, place);
  const program = await findProgram(provider.command, environment['PATH'] ?? '');
  if (program === undefined) throw notInstalled(name, provider.command);
  const cwd = workspaceOf(provider, place) ?? place.directory;
  const launch = (args: readonly string[]) => ({
    command: [program, ...args] as const,
    cwd,
    environment,
  });
  if (provider.sandbox === 'none') return (args) => startGuarded(launch(args));
  await requireSandbox();
  const confinement = confinementOf(provider, place);
  return (args) => startConfined(launch(args), confinement);
}

const workspaceOf = (provider: CliProvider, { workspace }: Place): string | undefined =>
  provider.workspace === 'none' ? undefined : (workspace ?? undefined);

/** With the workspace it does not get the data folder in it: only its own directory there. */
function confinementOf(provider: CliProvider, place: Place): Confinement {
  const workspace = workspaceOf(provider, place);
  const { readOnly, network } = provider;
  if (workspace === undefined) return { workdir: place.directory, readOnly, network };
  const writes = provider.workspace === 'write';
  return {
    workdir: writes ? workspace : place.directory,
    readOnly: writes ? readOnly : [...readOnly, workspace],
    hidden: isInside(workspace, place.home) ? [place.home] : [],
    writable: [place.directory],
    network,
  };
}

/** Only what is named, and what every program needs. */
function environmentOf(
  provider: CliProvider,
  { directory, secrets }: Place,
): Record<string, string> {
  const named = Object.fromEntries(
    provider.env.flatMap((name) => {
      const value = secrets(name);
      return value === undefined ? [] : [[name, value] as const];
    }),
  );
  const own = { HOME: directory, NO_COLOR: '1', TERM: 'dumb', ...named };
  if (provider.sandbox === 'bubblewrap') return { ...sandboxEnvironment(own) };
  return { PATH: secrets('PATH') ?? '/usr/local/bin:/usr/bin:/bin', LANG: 'C.UTF-8', ...own };
}

/** Shorter ones are no secrets, and would be found everywhere. */
const SHORTEST_SECRET = 8;
/** Named by hand, but no secrets. */
const PLAIN = new Set(['HOME', 'PATH', 'USER', 'LANG', 'TERM', 'SHELL', 'TMPDIR']);

export const secretsOf = ({ env }: CliProvider, secrets: SecretLookup): readonly string[] =>
  env
    .filter((name) => !PLAIN.has(name))
    .map((name) => secrets(name) ?? '')
    .filter((value) => value.length >= SHORTEST_SECRET);

async function findProgram(command: string, searchPath: string): Promise<string | undefined> {
  const candidates = command.includes('/')
    ? [path.resolve(command)]
    : searchPath.split(':').map((folder) => path.join(folder, command));
  for (const candidate of candidates) {
    const runs = await access(candidate, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (runs) return candidate;
  }
  return undefined;
}
