import type { Report } from './cache.ts';
import { firstThatWorks } from './chain.ts';
import type { Found, Link } from './chain.ts';
import { inCache, makeAndKeep } from './kept-program.ts';
import type { KeptProgram } from './kept-program.ts';
import { officialDownload } from './official-download.ts';
import { run, runOrThrow } from './run.ts';
import { atLeast, parseVersion } from './version.ts';

/** The newest version whose go.mod has no `replace`, which `go install` refuses. Everybody runs this one. */
export const TEMPORAL_CLI_VERSION = '1.5.1';
const OLDEST_CLI = [1, 5] as const;
const OLDEST_GO = [1, 24] as const;

const PROGRAM = 'temporal';
const KEPT = { name: `temporal-cli-${TEMPORAL_CLI_VERSION}`, program: PROGRAM } as const;

export interface FindOptions {
  readonly report?: Report;
  readonly env?: NodeJS.ProcessEnv;
}

/**
 * The path of a Temporal CLI that can run a dev server, fetched or built when there is none. The first run takes
 * minutes where it has to be built. A caller that has `TEMPORAL_ADDRESS` needs no server and does not ask.
 *
 * @throws {ServerNotFound} naming everything that was tried and what a person can do.
 */
export async function findTemporalCli(options: FindOptions = {}): Promise<string> {
  const env = options.env ?? process.env;
  const report = options.report ?? (() => {});
  const kept = { ...KEPT, env, report };
  return firstThatWorks({
    program: 'Temporal CLI',
    report,
    links: [
      ...(env['TEMPORAL_CLI_PATH'] ? [given(env['TEMPORAL_CLI_PATH'], env)] : []),
      onPath(env),
      inCache(kept),
      officialDownload(kept, {
        what: `Downloading the Temporal CLI ${TEMPORAL_CLI_VERSION}`,
        version: TEMPORAL_CLI_VERSION,
        start: (environment, executable) => environment.createLocal({ server: { executable } }),
      }),
      goInstall(kept),
    ],
    remedies: [
      'install the Temporal CLI 1.5 or newer and put it on PATH (or set TEMPORAL_CLI_PATH)',
      'install Go 1.24 or newer, from which the CLI is built once',
      'run a Temporal server anywhere and set TEMPORAL_ADDRESS=host:port',
    ],
  });
}

/** A CLI that is on this machine already; looks only, and fetches nothing. */
export async function presentTemporalCli(
  env: NodeJS.ProcessEnv = process.env,
): Promise<string | undefined> {
  const path = env['TEMPORAL_CLI_PATH'];
  const links = path ? [given(path, env)] : [onPath(env), inCache({ ...KEPT, env })];
  for (const link of links) {
    const found = await link.find();
    if ('path' in found) return found.path;
  }
  return undefined;
}

function given(path: string, env: NodeJS.ProcessEnv): Link {
  return {
    tried: `TEMPORAL_CLI_PATH=${path}`,
    find: async () =>
      (await versionOf(path, env)) ? { path } : { reason: 'does not answer to --version' },
  };
}

function onPath(env: NodeJS.ProcessEnv): Link {
  return { tried: 'temporal on PATH', find: () => findOnPath(env) };
}

async function findOnPath(env: NodeJS.ProcessEnv): Promise<Found> {
  const version = await versionOf(PROGRAM, env);
  if (!version) return { reason: 'not there' };
  if (!isOwnBuild(version) && !atLeast(version, OLDEST_CLI))
    return { reason: `is ${version.join('.')}, 1.5 or newer is needed` };
  return { path: PROGRAM };
}

/** `go install` leaves the version out: the program says 0.0.0-DEV, and only its builder knows which one it is. */
const isOwnBuild = (version: readonly number[]) => version.every((part) => part === 0);

function goInstall(kept: KeptProgram): Link {
  const { env } = kept;
  const module = `github.com/temporalio/cli/cmd/temporal@v${TEMPORAL_CLI_VERSION}`;
  const what = `Building the Temporal CLI ${TEMPORAL_CLI_VERSION} with Go (3 to 5 minutes, once)`;
  const build = async (folder: string) => {
    await runOrThrow('go', ['install', '-ldflags', '-s -w', module], {
      env: { ...env, GOBIN: folder },
    });
  };
  return {
    tried: 'go install',
    slow: true,
    find: async () => {
      const { code, output } = await run('go', ['version'], { env });
      const go = code === 0 ? parseVersion(output) : undefined;
      if (!go) return { reason: 'Go is not on PATH' };
      if (!atLeast(go, OLDEST_GO))
        return { reason: `Go is ${go.join('.')}, 1.24 or newer is needed` };
      return makeAndKeep(kept, { what, build });
    },
  };
}

async function versionOf(program: string, env: NodeJS.ProcessEnv): Promise<number[] | undefined> {
  const { code, output } = await run(program, ['--version'], { env });
  return code === 0 ? parseVersion(output) : undefined;
}
