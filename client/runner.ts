/** A remote runner's side of the API: it registers, hears of calls, claims, reports and answers them. What executes them is its own matter. */
import type { ArtifactRef } from '../contracts/content.ts';
import type { CallId, RunnerId } from '../contracts/ids.ts';
import type { AgentToolCall, RegisterRunner, RunnerNews } from '../contracts/runners.ts';
import { PerdureError } from '../contracts/perdure-error.ts';
import type { ToolAnswer } from '../contracts/tools.ts';
import { storedArtifact } from './artifacts.ts';
import { pause } from './backoff.ts';
import type { Calls } from './calls.ts';
import { NetworkError } from './errors.ts';
import { reconnecting } from './events/resume.ts';
import type { ReconnectOptions } from './events/resume.ts';
import { sseMessages } from './events/sse.ts';

export interface RegisteredRunner {
  readonly runnerId: RunnerId;
  /** Another process had this name until now. */
  readonly replaced: boolean;
  /** A claim without a sign of life lapses after this. */
  readonly leaseMs: number;
}

export interface ClaimedCall {
  /** Left for the result. */
  readonly dueInMs: number;
  /** Monotonic time (`performance.now()`) at which the request that was answered was sent: the lease counts from then, or a little later. */
  readonly sentAt: number;
}

export type RunnerClient = ReturnType<typeof runnerClient>;

/** Streams that stayed silent although they were opened: something on the way gathers them, so that polling is better. */
const SILENT_STREAMS = 2;
const POLL_MS = 3_000;
/** After so long a stream is tried again. */
const POLL_FOR_MS = 600_000;

/** Somebody else has it, or its result is wanted no more. */
const isGone = (error: unknown): boolean =>
  error instanceof PerdureError && (error.code === 'result_late' || error.code === 'not_found');

/** Somebody removed the runner. What it has claimed is its instance's all the same. */
const isForgotten = (error: unknown): boolean =>
  error instanceof PerdureError && error.code === 'not_found' && error.field === 'runnerId';

function registering({ call }: Calls, { tools, ...rest }: RegisterRunner) {
  const register = (signal?: AbortSignal): Promise<RegisteredRunner> =>
    call(
      (trpc, options) => trpc.runner.register.mutate({ ...rest, tools: [...tools] }, options),
      signal,
    );
  const asKnown: Calls['call'] = async (action, signal) => {
    try {
      return await call(action, signal);
    } catch (error) {
      if (!isForgotten(error)) throw error;
      await register(signal);
      return call(action, signal);
    }
  };
  return { register, asKnown };
}

/** Made by `PerdureClient.runner`. What it does with calls registers it again where somebody removed it meanwhile, and is tried once more. */
export function runnerClient(calls: Calls, registration: RegisterRunner) {
  const { call } = calls;
  const { instance } = registration;
  const { register, asKnown } = registering(calls, registration);

  return {
    instance,

    /** @throws {PerdureError} `invalid_input`, `unauthenticated` … */
    register,

    /**
     * Calls that may be claimed, beginning with those that wait, and those that are over; across reconnects, until `signal` aborts. A call may
     * come again.
     * @throws {PerdureError} `runner_replaced`, `not_found` (it was removed: register again), `unauthenticated` …
     */
    news: (runnerId: RunnerId, options: NewsOptions = {}): AsyncGenerator<RunnerNews, void> =>
      newsOf(calls, { runnerId, instance }, options),

    /** Says that it ends: it takes no more calls, and may still answer those that it has. @throws {PerdureError} `runner_replaced`, `not_found` */
    async leave(runnerId: RunnerId, signal?: AbortSignal): Promise<void> {
      await call((trpc, o) => trpc.runner.leave.mutate({ runnerId, instance }, o), signal);
    },

    /** Claims a call, or renews the claim. @returns undefined where somebody else has it, or its result is wanted no more */
    async claim(
      runnerId: RunnerId,
      callId: CallId,
      signal?: AbortSignal,
    ): Promise<ClaimedCall | undefined> {
      try {
        const claim = { callId, runnerId, holder: instance };
        return await asKnown(async (trpc, options) => {
          const sentAt = performance.now();
          const { dueInMs } = await trpc.tool.claim.mutate(claim, options);
          return { dueInMs: dueInMs ?? 0, sentAt };
        }, signal);
      } catch (error) {
        if (isGone(error)) return undefined;
        throw error;
      }
    },

    /** Tells everybody who watches the session, and renews the claim. */
    async progress(
      runnerId: RunnerId,
      { callId, ...told }: { callId: CallId; message: string; fraction?: number | undefined },
      signal?: AbortSignal,
    ): Promise<void> {
      const progress = { callId, runnerId, holder: instance, ...told };
      await asKnown((trpc, options) => trpc.tool.progress.mutate(progress, options), signal);
    },

    /** @throws {PerdureError} `result_late`, `result_duplicate`, `not_found`: nothing was changed */
    async answer(
      runnerId: RunnerId,
      { callId, outcome }: { callId: CallId; outcome: ToolAnswer },
      signal?: AbortSignal,
    ): Promise<void> {
      const result = { callId, runnerId, holder: instance, outcome };
      await asKnown((trpc, options) => trpc.tool.result.mutate(result, options), signal);
    },

    /** Stores a large result, to be answered with a reference. @throws {PerdureError} `payload_too_large` */
    upload: (bytes: Uint8Array, mediaType: string, signal?: AbortSignal): Promise<ArtifactRef> =>
      storedArtifact(calls, { bytes, mediaType }, signal),
  };
}

export interface NewsOptions extends ReconnectOptions {
  /** Without a byte for this long a stream counts as dead. */
  readonly silenceMs?: number | undefined;
}

function newsOf(
  { call, connection }: Calls,
  { runnerId, instance }: { runnerId: RunnerId; instance: RunnerId },
  options: NewsOptions,
): AsyncGenerator<RunnerNews, void> {
  const path = `/api/runners/${runnerId}/calls?instance=${instance}`;
  const { silenceMs } = options;
  const stream: Connect = (signal, onOpen) =>
    sseMessages<RunnerNews>(connection, { path, signal, onOpen, silenceMs });
  const poll: Connect = (signal, onOpen) =>
    polled(
      () => call((trpc, limit) => trpc.runner.calls.query({ runnerId, instance }, limit), signal),
      { signal, onOpen },
    );
  return reconnecting(unlessSilent(stream, poll), options);
}

type Connect = (signal: AbortSignal, onOpen: () => void) => AsyncIterable<RunnerNews>;

/** Streams, and polls for a while where streams do not come through. */
function unlessSilent(stream: Connect, poll: Connect): Connect {
  let silent = 0;
  return async function* (signal, onOpen) {
    if (silent >= SILENT_STREAMS) {
      silent = 0;
      return yield* poll(signal, onOpen);
    }
    try {
      for await (const news of stream(signal, onOpen)) {
        silent = 0;
        yield news;
      }
    } catch (error) {
      if (error instanceof NetworkError && error.kind === 'silent') silent += 1;
      throw error;
    }
  };
}

async function* polled(
  ask: () => Promise<{ readonly calls: readonly AgentToolCall[] }>,
  { signal, onOpen }: { signal: AbortSignal; onOpen: () => void },
): AsyncGenerator<RunnerNews> {
  for (let waited = 0; waited < POLL_FOR_MS && !signal.aborted; waited += POLL_MS) {
    const { calls } = await ask();
    if (waited === 0) onOpen();
    for (const action of calls) yield { type: 'offer', action };
    await pause(POLL_MS, signal);
  }
}
