/**
 * Notices within milliseconds that no Temporal server is behind the address any more, also where the next one is there a second later. The worker's own
 * connection hides that: it repeats what fails until it works. So one poll is held open on a connection of its own, on a queue that gets no
 * tasks: it breaks when its server goes away, and it costs one request a minute.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { Connection } from '@temporalio/client';
import type { ConnectOptions } from './connection.ts';

const QUEUE = 'perdure-presence';
/** The server answers an empty poll after a minute; a poll that takes longer has lost its server without hearing of it. */
const POLL_DEADLINE_MS = 75_000;
/** One of several servers went away where another one answers at once. */
const ANSWER_DEADLINE_MS = 1_000;
/** Shorter than any server's restart. */
const PAUSE_MS = 50;

export interface Presence extends AsyncDisposable {
  /**
   * Waits until a server answers. The signal that it resolves with aborts as soon as there is none, and then it is aborted for good.
   *
   * @returns undefined where `stopping` aborts first
   */
  term(stopping: AbortSignal): Promise<AbortSignal | undefined>;
}

export function watchPresence({ temporal, secret }: Omit<ConnectOptions, 'log'>): Presence {
  const apiKey = temporal.apiKeyEnv === undefined ? undefined : secret(temporal.apiKeyEnv);
  const connection = Connection.lazy({
    address: temporal.address,
    tls: temporal.tls,
    ...(apiKey === undefined ? {} : { apiKey }),
    // A repeated poll would hide what it is there to show.
    interceptors: [],
    channelArgs: { 'grpc.initial_reconnect_backoff_ms': 100, 'grpc.max_reconnect_backoff_ms': 500 },
  });
  return new PolledPresence(connection, temporal.namespace);
}

class PolledPresence implements Presence {
  readonly #connection: Connection;
  readonly #namespace: string;
  readonly #closing = new AbortController();
  readonly #watching: Promise<void>;
  #next = Promise.withResolvers<AbortSignal>();

  constructor(connection: Connection, namespace: string) {
    this.#connection = connection;
    this.#namespace = namespace;
    this.#watching = this.#watch();
  }

  term(stopping: AbortSignal): Promise<AbortSignal | undefined> {
    return Promise.race([this.#next.promise, aborted(stopping)]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    await this.#watching;
    await this.#connection.close();
  }

  async #watch(): Promise<void> {
    const { signal } = this.#closing;
    for (; !signal.aborted; await pause(signal)) {
      if (!(await this.#answers())) continue;
      const term = new AbortController();
      const waiting = this.#next;
      waiting.resolve(term.signal);
      while (await this.#stays());
      this.#next = Promise.withResolvers();
      if (!signal.aborted) term.abort();
    }
  }

  /** Returns when a poll has ended: whether somebody is still there. */
  async #stays(): Promise<boolean> {
    const { signal } = this.#closing;
    const polled = await this.#ask(POLL_DEADLINE_MS, ({ workflowService }) =>
      workflowService.pollWorkflowTaskQueue({
        namespace: this.#namespace,
        taskQueue: { name: QUEUE },
        identity: `${process.pid}@presence`,
      }),
    );
    return !signal.aborted && (polled || this.#answers());
  }

  #answers(): Promise<boolean> {
    return this.#ask(ANSWER_DEADLINE_MS, ({ workflowService }) =>
      workflowService.describeNamespace({ namespace: this.#namespace }),
    );
  }

  async #ask(
    deadlineMs: number,
    request: (connection: Connection) => Promise<unknown>,
  ): Promise<boolean> {
    const connection = this.#connection;
    try {
      await connection.withDeadline(Date.now() + deadlineMs, () =>
        connection.withAbortSignal(this.#closing.signal, () => request(connection)),
      );
      return true;
    } catch {
      return false;
    }
  }
}

const pause = (signal: AbortSignal): Promise<void> =>
  sleep(PAUSE_MS, undefined, { signal }).catch(() => undefined);

/** Resolves when the signal aborts. */
export const aborted = (signal: AbortSignal): Promise<undefined> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve(undefined);
    else signal.addEventListener('abort', () => resolve(undefined), { once: true });
  });
