/** Answers the client tools of a session with functions of the caller: watches, claims, runs, keeps the claim, submits the result. */
import type { CallId, SessionId } from '../contracts/ids.ts';
import { newId } from '../contracts/ids.ts';
import { PerdureError } from '../contracts/perdure-error.ts';
import type { PerdureEvent } from '../contracts/events.ts';
import type { ToolAnswer } from '../contracts/tools.ts';
import { storedArtifact } from './artifacts.ts';
import { pause } from './backoff.ts';
import type { Calls } from './calls.ts';
import type { FollowOptions } from './events/resume.ts';
import { failed, outcomeOf } from './tool-outcome.ts';
import type { Upload } from './tool-outcome.ts';

export interface OpenCall {
  readonly callId: CallId;
  readonly name: string;
  /** Aborts when the call was settled without this handler: interrupted, timed out, or the answering was closed. */
  readonly signal: AbortSignal;
  /** Tells everybody who watches the session; `fraction` from 0 to 1. */
  progress(message: string, fraction?: number): Promise<void>;
}

/**
 * Returns the call's result, any JSON; one over 1 MiB is uploaded, and over 32 MiB it fails the call. What it throws fails the call, and the model
 * reads the message.
 */
export type ToolHandler = (args: unknown, call: OpenCall) => unknown;
/** Tool name → what answers it. Calls of other tools are left to others. */
export type ToolHandlers = Readonly<Record<string, ToolHandler>>;

/**
 * What became of a call: `answered`; `taken`: somebody else holds it; `refused`: the API did not want the result (`result_late`,
 * `result_duplicate`, `not_found` …) and nothing was changed.
 */
export type AnswerReport = { readonly callId: CallId; readonly name: string } & (
  | { readonly result: 'answered'; readonly answer: ToolAnswer }
  | { readonly result: 'taken' }
  | { readonly result: 'refused'; readonly error: Error }
);

export interface AnswerOptions {
  /** Who answers, as others see it; made up where absent. */
  readonly holder?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onReport?: ((report: AnswerReport) => void) | undefined;
}

export interface ToolAnswering extends AsyncDisposable {
  /** Resolves once closed; rejects where the session cannot be followed (`not_found`, `unauthenticated` …). */
  readonly done: Promise<void>;
  /** Stops watching, aborts the handlers that run and waits for them. Their calls stay open for others. */
  close(): Promise<void>;
}

interface Watched {
  readonly calls: Calls;
  readonly sessionId: SessionId;
  readonly events: (options: FollowOptions) => AsyncIterable<PerdureEvent>;
}

/** Of the signs of life that keep a claim, two in a row may get lost. */
const SIGNS_PER_LEASE = 3;
/** However short a lease is, the API is not asked more often. */
const LEAST_PAUSE_MS = 100;

type Offered = Pick<OpenCall, 'callId' | 'name'>;

/** @see SessionClient.answerTools */
export function answerTools(
  watched: Watched,
  { handlers, holder = newId('run'), signal, onReport }: AnswerOptions & { handlers: ToolHandlers },
): ToolAnswering {
  const closing = new AbortController();
  const ended = AbortSignal.any([closing.signal, ...(signal ? [signal] : [])]);
  const running = new Map<string, { stop: AbortController; settled: Promise<void> }>();

  const take = (call: Offered) => {
    const handler = Object.hasOwn(handlers, call.name) ? handlers[call.name] : undefined;
    if (!handler || running.has(call.callId) || ended.aborted) return;
    const stop = new AbortController();
    const attempt = answerCall(watched.calls, call, {
      handler,
      holder,
      signal: AbortSignal.any([stop.signal, ended]),
    });
    const settled = attempt.then(onReport).finally(() => running.delete(call.callId));
    running.set(call.callId, { stop, settled });
  };

  const approved = new Bell();
  const watch = async () => {
    try {
      await Promise.all([
        watchEvents(watched, {
          take,
          approved: () => approved.ring(),
          settled: (id) => running.get(id)?.stop.abort(),
          signal: ended,
        }),
        watchPending(watched, { take, approved, signal: ended }),
      ]);
    } finally {
      closing.abort();
      await Promise.all([...running.values()].map(({ settled }) => settled));
    }
  };
  const done = watch();
  // Whoever only closes need not watch `done` too.
  done.catch(() => {});
  const close = async () => {
    closing.abort();
    await done.catch(() => {});
  };
  return { done, close, [Symbol.asyncDispose]: close };
}

/** Wakes whoever pauses until it rings. */
class Bell {
  #rings = new AbortController();

  ring(): void {
    this.#rings.abort();
    this.#rings = new AbortController();
  }

  /** Aborts at the next ring. */
  get next(): AbortSignal {
    return this.#rings.signal;
  }
}

interface WatchedEvents {
  readonly take: (call: Offered) => void;
  /** A call that was held is offered now. */
  readonly approved: () => void;
  readonly settled: (callId: string) => void;
  readonly signal: AbortSignal;
}

/** New calls as they are requested or approved, and the end of those that run. */
async function watchEvents(
  { calls, sessionId, events }: Watched,
  { take, approved, settled, signal }: WatchedEvents,
): Promise<void> {
  const { lastSeq } = await calls.call((trpc, options) => {
    return trpc.session.get.query({ sessionId }, options);
  }, signal);
  for await (const { type, data } of events({ after: lastSeq, signal })) {
    if (type === 'tool.requested' && data.mode === 'client' && data.held !== true) {
      take({ callId: data.callId as CallId, name: data.name });
    }
    if (type === 'approval.settled' && data.outcome === 'approved') approved();
    if (type === 'tool.settled') settled(data.callId);
  }
}

/** Calls that were open before, and those whose holder went away: these make no event. */
async function watchPending(
  { calls, sessionId }: Watched,
  { take, approved, signal }: Pick<WatchedEvents, 'take' | 'signal'> & { approved: Bell },
): Promise<void> {
  while (!signal.aborted) {
    // Before the question, so that what is approved meanwhile is asked for again.
    const rings = approved.next;
    const page = await calls.call((trpc, options) => {
      return trpc.tool.pending.query({ sessionId }, options);
    }, signal);
    page.calls.filter(({ mode, claimable }) => mode === 'client' && claimable).forEach(take);
    const pauseMs = Math.max(page.leaseMs, LEAST_PAUSE_MS);
    await pause(pauseMs, AbortSignal.any([signal, rings]));
  }
}

interface Answering {
  readonly handler: ToolHandler;
  readonly holder: string;
  readonly signal: AbortSignal;
}

/** Never throws: what happened is in the report. */
async function answerCall(
  calls: Calls,
  { callId, name }: Offered,
  { handler, holder, signal }: Answering,
): Promise<AnswerReport> {
  const { call } = calls;
  const claim = () =>
    call((trpc, options) => trpc.tool.claim.mutate({ callId, holder }, options), signal);
  try {
    const claimed = await claim().catch((error: unknown) => {
      if (isLate(error)) return undefined;
      throw error;
    });
    if (!claimed) return { callId, name, result: 'taken' };
    const open: OpenCall = {
      callId,
      name,
      signal,
      async progress(message, fraction) {
        const progress = { callId, holder, message, ...(fraction !== undefined && { fraction }) };
        await call((trpc, options) => trpc.tool.progress.mutate(progress, options), signal);
      },
    };
    const upload: Upload = (bytes, mediaType) =>
      storedArtifact(calls, { bytes, mediaType }, signal);
    const renewing = { renew: claim, everyMs: claimed.leaseMs / SIGNS_PER_LEASE, signal };
    const outcome = await whileRenewing(renewing, () =>
      run({ handler, upload }, claimed.arguments, open),
    );
    if (signal.aborted) throw signal.reason;
    return { callId, name, result: 'answered', answer: await given(calls, callId, outcome) };
  } catch (error) {
    const reason = error instanceof Error ? error : new Error(String(error));
    return { callId, name, result: 'refused', error: reason };
  }
}

const isLate = (error: unknown) => error instanceof PerdureError && error.code === 'result_late';

interface Running {
  readonly handler: ToolHandler;
  readonly upload: Upload;
}

async function run(
  { handler, upload }: Running,
  args: unknown,
  call: OpenCall,
): Promise<ToolAnswer> {
  let value: unknown;
  try {
    value = await handler(args, call);
  } catch (error) {
    return failed(error instanceof Error ? error.message : '');
  }
  return outcomeOf(value, upload);
}

const UNTAKEABLE: ReadonlySet<string> = new Set(['payload_too_large', 'invalid_input']);

/** @returns what the API took: where it will never take the result, the model reads why instead of waiting for it */
async function given(
  { call }: Pick<Calls, 'call'>,
  callId: CallId,
  outcome: ToolAnswer,
): Promise<ToolAnswer> {
  try {
    await call((trpc, options) => trpc.tool.result.mutate({ callId, outcome }, options));
    return outcome;
  } catch (error) {
    if (!(error instanceof PerdureError && UNTAKEABLE.has(error.code))) throw error;
    if (outcome.status !== 'completed') throw error;
    return given({ call }, callId, failed(`The result was not taken: ${error.message}`));
  }
}

interface Renewing {
  readonly renew: () => Promise<unknown>;
  readonly everyMs: number;
  readonly signal: AbortSignal;
}

/** A claim that cannot be renewed is no reason to stop: the result may still be the first. */
async function whileRenewing<T>(
  { renew, everyMs, signal }: Renewing,
  work: () => Promise<T>,
): Promise<T> {
  const pauseMs = Math.max(everyMs, LEAST_PAUSE_MS);
  const over = new AbortController();
  const ended = AbortSignal.any([over.signal, signal]);
  const renewing = (async () => {
    for (await pause(pauseMs, ended); !ended.aborted; await pause(pauseMs, ended)) {
      await renew().catch(() => {});
    }
  })();
  try {
    return await work();
  } finally {
    over.abort();
    await renewing;
  }
}
