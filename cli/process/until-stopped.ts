/** The life of a server process after its start: until somebody asks it to end, or it cannot go on. */
import type { Logger } from '../../telemetry/log.ts';
import { CommandFailed, EXIT } from '../exit-codes.ts';

export interface Running {
  /** Rejects when the process cannot go on; resolves only after `stop`. */
  readonly ended: Promise<void>;
  /** Ends in good order. */
  stop(): Promise<void>;
  /** Whether nothing that is under way may be finished after this failure: the process ends as by kill -9. */
  mustNotFinish?(failure: unknown): boolean;
}

const STOP_SIGNALS = ['SIGINT', 'SIGTERM'] as const;

/** Why a finished start-up waits no longer. */
type Cause = { readonly signal: NodeJS.Signals } | { readonly failure: unknown };

/** @throws {CommandFailed} with `unavailable` when the process ended by itself */
export async function untilStopped(running: Running, log: Logger): Promise<void> {
  const cause = await Promise.race([stopRequest(), failureOf(running)]);
  if ('signal' in cause) {
    log.info(
      { signal: cause.signal },
      'stopping: running steps may finish, the rest is handed over',
    );
    await running.stop();
    log.info('stopped');
    return;
  }
  log.fatal({ err: cause.failure }, 'cannot go on');
  if (running.mustNotFinish?.(cause.failure)) process.exit(EXIT.unavailable);
  await running.stop().catch((error: unknown) => log.error({ err: error }, 'stopping failed'));
  const reason = cause.failure instanceof Error ? cause.failure.message : 'ended by itself';
  throw new CommandFailed(reason, EXIT.unavailable);
}

const failureOf = ({ ended }: Running): Promise<Cause> =>
  ended.then(
    () => ({ failure: new Error('the worker ended without being asked to') }),
    (failure: unknown) => ({ failure }),
  );

/** Stays registered: a second signal must not kill the process in the middle of its drain. */
function stopRequest(): Promise<Cause> {
  return new Promise((resolve) => {
    for (const signal of STOP_SIGNALS) process.on(signal, () => resolve({ signal }));
  });
}
