/** Runs a remote runner until it is stopped. */
import { realpath, stat } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { retryDelayMs } from '../../client/backoff.ts';
import { createPerdureClient } from '../../client/index.ts';
import type { RunnerReport } from '../../runner/report.ts';
import { startRunner } from '../../runner/runner.ts';
import type { RunningRunner } from '../../runner/runner.ts';
import { openStateFolder } from '../../runner/state-folder.ts';
import { previewOf, runnerTools } from '../../runner/tools.ts';
import { apiUrl, explaining, usableKey, usableUrl } from '../connect.ts';
import { CommandFailed, EXIT } from '../exit-codes.ts';
import type { RunnerCommandOptions } from './options.ts';
import { permitOf } from './permit.ts';
import { reporter } from './reporter.ts';

/** A runner waits for its API for as long as it is away. */
const FOR_EVER_MS = Number.MAX_SAFE_INTEGER;
/** A large result may take a while on a slow line. */
const TIMEOUT_MS = 60_000;

export const run = (options: RunnerCommandOptions): Promise<void> =>
  explaining(async () => {
    const workdir = await folderOf(options.workdir);
    using state = openStateFolder(options.state ?? stateFolderOf(options));
    const report = reporter(options);
    using client = clientOf(options, report);
    const tools = runnerTools({ stateFolder: state.folder, network: options.network ?? false });
    const runner = startRunner({
      ...{ client, workdir, state, tools },
      name: options.name,
      labels: options.label,
      permit: permitOf(options, (action) => previewOf(tools, workdir, action)),
      parallel: options.parallel,
      version: '0.1.0',
      onReport: report,
    });
    stopBySignals(runner, report);
    await runner.done;
  });

function clientOf(options: RunnerCommandOptions, report: (report: RunnerReport) => void) {
  return createPerdureClient({
    ...{
      url: usableUrl(options),
      key: usableKey(options),
      retryForMs: FOR_EVER_MS,
      timeoutMs: TIMEOUT_MS,
    },
    retryDelay(failures, error) {
      const retryInMs = retryDelayMs(failures, error);
      const message = error instanceof Error ? error.message : String(error);
      // Said once an outage: a runner may be without its API for a night.
      if (failures === 1) report({ type: 'disconnected', message, retryInMs });
      return retryInMs;
    },
  });
}

async function folderOf(workdir: string): Promise<string> {
  try {
    const folder = await realpath(workdir);
    if ((await stat(folder)).isDirectory()) return folder;
  } catch (error) {
    const { message } = error as Error;
    throw new CommandFailed(`--workdir ${workdir} cannot be used: ${message}`, EXIT.usage);
  }
  throw new CommandFailed(`--workdir ${workdir} is a file: expected a folder.`, EXIT.usage);
}

/** One for each name and API, so that results never go to another one. */
function stateFolderOf(options: RunnerCommandOptions): string {
  const base = process.env['XDG_STATE_HOME'] || path.join(os.homedir(), '.local', 'state');
  const api = new URL(apiUrl(options)).host.replaceAll(/[^\w.-]/g, '_');
  return path.join(base, 'perdure', 'runners', `${options.name}@${api}`);
}

function stopBySignals(runner: RunningRunner, report: (report: RunnerReport) => void): void {
  let asked = 0;
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.on(signal, () => {
      asked += 1;
      if (asked > 1) return runner.quit();
      report({ type: 'stopping' });
      runner.drain();
    });
}
