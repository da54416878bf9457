/** The two programs that `perdure up` keeps running. */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Settings } from '../../config/settings.ts';
import { launch, waitUntilUp } from '../../servers/child.ts';
import type { Child } from '../../servers/child.ts';
import { startDevServer } from '../../servers/dev-server.ts';
import { SEARCH_ATTRIBUTE_TYPES } from '../../servers/search-attributes.ts';
import { localUrl } from '../local-url.ts';
import { MALLOC_SETTINGS } from './malloc.ts';
import { forget, remember } from './owned.ts';

const MAIN = fileURLToPath(new URL('../main.ts', import.meta.url));
/** The first start bundles the workflows, on a busy machine. */
const READY_WITHIN_MS = 120_000;
/** Beyond `worker.drainMs`: cancelled steps hand over, the API closes its streams, the journal is flushed. */
export const AFTER_DRAIN_MS = 20_000;

export const temporalFile = (home: string): string => join(home, 'temporal.pid.json');
export const allInOneFile = (home: string): string => join(home, 'all-in-one.pid.json');

/** Detached, so that Ctrl-C in the terminal does not reach it: it is stopped last, because a worker cannot drain without it. */
export async function startTemporal(
  { home, temporal, journal }: Settings,
  report: (line: string) => void,
): Promise<Child> {
  const server = await startDevServer({
    port: temporal.port,
    ...(temporal.ui && { uiPort: temporal.uiPort }),
    dbFile: join(home, 'temporal.db'),
    synchronous: journal.synchronous === 'full' ? 'FULL' : 'NORMAL',
    namespace: temporal.namespace,
    searchAttributes: SEARCH_ATTRIBUTE_TYPES,
    logFile: join(home, 'temporal.log'),
    report,
  });
  return owned(server, temporalFile(home));
}

/** Detached too: only the supervisor says when it drains, whoever presses Ctrl-C. Ends at once what `stopping` catches in its start. */
export async function startAllInOne(settings: Settings, stopping: AbortSignal): Promise<Child> {
  const { home } = settings;
  const logFile = join(home, 'perdure.log');
  const child = launch({
    file: process.execPath,
    args: [MAIN, 'all-in-one'],
    defaults: MALLOC_SETTINGS,
    logFile,
    detached: true,
    stopTimeoutMs: settings.worker.drainMs + AFTER_DRAIN_MS,
  });
  await rememberOrStop(child, allInOneFile(home));
  const stop = (): void => void child.stop();
  stopping.addEventListener('abort', stop);
  try {
    const readyUrl = `${localUrl(settings)}/readyz`;
    const isUp = (): Promise<boolean> => answersOk(readyUrl);
    await waitUntilUp({ what: 'Perdure', child, logFile, timeoutMs: READY_WITHIN_MS, isUp });
  } finally {
    stopping.removeEventListener('abort', stop);
  }
  return owned(child, allInOneFile(home));
}

/** Without its note (the disk may be full) nobody would find it after our own death. */
async function rememberOrStop(child: Child, file: string): Promise<void> {
  try {
    remember(file, child.pid);
  } catch (error) {
    await child.stop();
    throw error;
  }
}

async function owned(child: Child, file: string): Promise<Child> {
  await rememberOrStop(child, file);
  void child.exited.then(() => forget(file));
  return child;
}

const PROBE_DEADLINE_MS = 2_000;

const answersOk = (url: string): Promise<boolean> =>
  fetch(url, { signal: AbortSignal.timeout(PROBE_DEADLINE_MS) }).then(
    async (response) => {
      await response.body?.cancel();
      return response.status === 200;
    },
    () => false,
  );
