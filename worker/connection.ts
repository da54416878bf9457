/** The worker's connection to Temporal: waits for the server at the start, and notices when it is gone for good. */
import { setTimeout as sleep } from 'node:timers/promises';
import { NativeConnection } from '@temporalio/worker';
import type { Settings } from '../config/settings.ts';
import { PerdureError } from '../contracts/perdure-error.ts';
import type { Logger } from '../telemetry/log.ts';

/** Temporal may still be starting when we do: in compose files and after a power cut everything starts at once. */
const CONNECT_WITHIN_MS = 60_000;
const CONNECT_PAUSE_MS = 500;

export interface ConnectOptions {
  readonly temporal: Settings['temporal'];
  readonly secret: (name: string) => string | undefined;
  readonly log: Logger;
}

/** @throws {PerdureError} `engine_unavailable` when no server answers in time */
export async function connectWorker(options: ConnectOptions): Promise<NativeConnection> {
  const { temporal, secret, log } = options;
  const apiKey = temporal.apiKeyEnv === undefined ? undefined : secret(temporal.apiKeyEnv);
  const deadline = Date.now() + CONNECT_WITHIN_MS;
  for (;;) {
    try {
      return await NativeConnection.connect({
        address: temporal.address,
        tls: temporal.tls,
        ...(apiKey === undefined ? {} : { apiKey }),
      });
    } catch (error) {
      if (Date.now() > deadline) throw unreachable(temporal.address, error);
      log.warn({ address: temporal.address, err: error }, 'Temporal does not answer yet');
      await sleep(CONNECT_PAUSE_MS);
    }
  }
}

const unreachable = (address: string, cause: unknown): PerdureError =>
  new PerdureError('engine_unavailable', `No Temporal server answers at ${address}.`, { cause });

const CHECK_EVERY_MS = 5_000;
const CHECK_DEADLINE_MS = 4_000;
/** A restart of Temporal takes seconds and the SDK lives through it; after this long a fresh process is the better bet. */
const GONE_AFTER_MS = 60_000;

export interface Watch extends Disposable {
  /** False while the server does not answer. */
  readonly connected: boolean;
  /** Rejects with `engine_unavailable` when the server has not answered for a minute; never resolves. */
  readonly gone: Promise<never>;
}

export interface WatchOptions extends Pick<ConnectOptions, 'temporal' | 'log'> {
  readonly goneAfterMs?: number | undefined;
}

export function watchConnection(
  connection: NativeConnection,
  { temporal, log, goneAfterMs = GONE_AFTER_MS }: WatchOptions,
): Watch {
  const gone = Promise.withResolvers<never>();
  gone.promise.catch(() => {});
  let lastAnswer = Date.now();
  let connected = true;
  const check = async (): Promise<void> => {
    try {
      const { namespace } = temporal;
      await connection.withDeadline(Date.now() + Math.min(CHECK_DEADLINE_MS, goneAfterMs), () =>
        connection.workflowService.describeNamespace({ namespace }),
      );
      if (!connected) log.info({ address: temporal.address }, 'Temporal answers again');
      connected = true;
      lastAnswer = Date.now();
    } catch (error) {
      if (connected)
        log.warn({ address: temporal.address, err: error }, 'Temporal does not answer');
      connected = false;
      if (Date.now() - lastAnswer > goneAfterMs) gone.reject(unreachable(temporal.address, error));
    }
  };
  const timer = setInterval(() => void check(), Math.min(CHECK_EVERY_MS, goneAfterMs));
  timer.unref();
  return {
    get connected() {
      return connected;
    },
    gone: gone.promise,
    [Symbol.dispose]: () => clearInterval(timer),
  };
}
