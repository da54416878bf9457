/** How every call to the API is made: with a time limit for each try, typed errors, and repeats where a repeat is harmless. */
import type { Connection } from './connection.ts';
import { NetworkError } from './errors.ts';
import type { EventTransport } from './events/transport.ts';
import { repeated } from './repeat.ts';
import type { RepeatOptions } from './repeat.ts';
import { typed } from './trpc.ts';
import type { Trpc } from './trpc.ts';

type Action<T> = (trpc: Trpc, options: { signal: AbortSignal }) => Promise<T>;

export interface Calls {
  readonly connection: Connection;
  readonly trpc: Trpc;
  readonly transport: EventTransport;
  /** A call that may be made again: a question, or a command whose repeat changes nothing (it carries its own id). */
  readonly call: <T>(action: Action<T>, signal?: AbortSignal) => Promise<T>;
  /** The same for plain HTTP. */
  readonly read: <T>(
    action: (signal: AbortSignal) => Promise<T>,
    signal?: AbortSignal,
  ) => Promise<T>;
}

export interface CallSettings extends Pick<RepeatOptions, 'retryDelay'> {
  /** How long a call goes on trying, milliseconds. */
  readonly retryForMs: number;
  /** How long one try may take, milliseconds. */
  readonly timeoutMs: number;
}

export function createCalls(
  parts: Pick<Calls, 'connection' | 'trpc' | 'transport'>,
  { retryForMs, timeoutMs, retryDelay }: CallSettings,
): Calls {
  const read: Calls['read'] = (action, signal) =>
    repeated(() => limited(action, { timeoutMs, signal }), {
      signal,
      forMs: retryForMs,
      retryDelay,
    });
  return {
    ...parts,
    read,
    call: (action, signal) =>
      read((limit) => typed(action(parts.trpc, { signal: limit }), parts.connection), signal),
  };
}

/** One try. Its abort comes back in many shapes, so the signals are asked who it was. */
async function limited<T>(
  action: (signal: AbortSignal) => Promise<T>,
  { timeoutMs, signal }: { timeoutMs: number; signal: AbortSignal | undefined },
): Promise<T> {
  const timeout = AbortSignal.timeout(timeoutMs);
  try {
    return await action(AbortSignal.any([timeout, ...(signal ? [signal] : [])]));
  } catch (error) {
    signal?.throwIfAborted();
    if (!timeout.aborted) throw error;
    throw new NetworkError('silent', `no answer within ${timeoutMs} ms`, error);
  }
}
