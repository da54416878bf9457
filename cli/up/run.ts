/** `perdure up`: a small supervisor of Temporal and of the all-in-one process. It holds no state but its two children. */
import type { Settings } from '../../config/settings.ts';
import { EndedAtOnce } from '../../servers/child.ts';
import { CommandFailed, EXIT } from '../exit-codes.ts';
import { readSettings } from '../settings.ts';
import { banner } from './banner.ts';
import {
  AFTER_DRAIN_MS,
  allInOneFile,
  startAllInOne,
  startTemporal,
  temporalFile,
} from './children.ts';
import { lockHome } from './home-lock.ts';
import { keepRunning } from './keep-running.ts';
import type { Kept, KeptProgram } from './keep-running.ts';
import { endOrphan } from './owned.ts';
import type { Ending } from './owned.ts';
import { requireFreePorts, wantedPorts } from './ports.ts';

/** A first start that fails is told to a person: the end of the program's log, not our stack. */
async function first(program: KeptProgram): Promise<Kept> {
  try {
    return await keepRunning(program);
  } catch (error) {
    // What it said is for whoever wrote the settings, or a tool in them: the shell is told so, too.
    const isSettings = error instanceof EndedAtOnce && error.exitCode === EXIT.settings;
    const exitCode = isSettings ? EXIT.settings : EXIT.failure;
    throw new CommandFailed((error as Error).message, exitCode);
  }
}

const say = (line: string): void => console.log(line);

export async function up(): Promise<void> {
  const settings = await readSettings();
  await using started = new AsyncDisposableStack();
  started.use(lockHome(settings.home));
  // A terminal that was closed takes no more lines, and that must not end the supervisor before its children.
  process.stdout.on('error', () => {});
  const stop = stopRequests();
  await endOrphans(settings);
  await requireFreePorts(wantedPorts(settings));
  if (settings.temporal.embedded) {
    say('Starting Temporal …');
    const start = () => startTemporal(settings, say);
    const temporal = await first({ name: 'Temporal', start, say });
    started.defer(() => temporal.stop());
  }
  say('Starting Perdure …');
  const start = (stopping: AbortSignal) => startAllInOne(settings, stopping);
  const starting = first({ name: 'Perdure', start, say });
  const perdure = await Promise.race([starting, stop.first]);
  if (!perdure) {
    starting.catch(() => {});
    await endPerdure(settings, { withinMs: settings.worker.drainMs + AFTER_DRAIN_MS });
    return;
  }
  started.defer(() => perdure.stop());
  say(banner(settings));
  await stop.first;
  say('Stopping: running answers may finish. Press Ctrl-C again to stop at once.');
  void stop.second.then(() => endPerdure(settings, { withinMs: 0 }));
  await started.disposeAsync();
  say('Stopped. Everything is kept; the next start goes on.');
}

/** Children of a supervisor that was killed: ended, never adopted, so that what runs always has the present settings. */
async function endOrphans(settings: Settings): Promise<void> {
  const { home, worker } = settings;
  const onFound = (what: string) => (pid: number) =>
    say(`Ending ${what} of an earlier start (process ${pid}) …`);
  await endPerdure(settings, {
    withinMs: worker.drainMs + AFTER_DRAIN_MS,
    onFound: onFound('Perdure'),
  });
  await endOrphan(temporalFile(home), { withinMs: AFTER_DRAIN_MS, onFound: onFound('Temporal') });
}

/** By its note in the data folder, which is there from the moment it was launched: also while it is being started. */
const endPerdure = ({ home }: Settings, ending: Ending): Promise<void> =>
  endOrphan(allInOneFile(home), ending);

interface StopRequests {
  readonly first: Promise<void>;
  readonly second: Promise<void>;
}

function stopRequests(): StopRequests {
  const first = Promise.withResolvers<void>();
  const second = Promise.withResolvers<void>();
  let count = 0;
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.on(name, () => ((count += 1) === 1 ? first : second).resolve());
  return { first: first.promise, second: second.promise };
}
