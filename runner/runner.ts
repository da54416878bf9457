/** A remote runner: registers, takes up what an earlier process left, then takes calls as they come, until it is stopped. */
import type { PerdureClient, RunnerClient } from '../client/index.ts';
import type { CallId, RunnerId } from '../contracts/ids.ts';
import { PerdureError } from '../contracts/perdure-error.ts';
import type { AgentToolCall, RunnerLabels, RunnerNews } from '../contracts/runners.ts';
import { attend, resume } from './call.ts';
import type { CallParts, Permit } from './call-parts.ts';
import { Stop } from './executing.ts';
import type { RunnerReport } from './report.ts';
import { Slots } from './slots.ts';
import type { StateFolder } from './state-folder.ts';
import { offerOf } from './tools.ts';
import type { RunnerTool } from './tools.ts';

/** Nobody who ends a runner waits longer for an API that is away. */
const LEAVE_MS = 3_000;

export interface RunnerOptions {
  /** One that goes on trying for as long as a runner may be without its API. */
  readonly client: PerdureClient;
  readonly name: string;
  readonly labels: RunnerLabels;
  /** Real path of the folder that its tools work in. */
  readonly workdir: string;
  readonly state: StateFolder;
  readonly tools: readonly RunnerTool[];
  readonly permit: Permit;
  /** Calls at once. */
  readonly parallel: number;
  readonly version: string;
  readonly onReport: (report: RunnerReport) => void;
}

export interface RunningRunner {
  /** Resolves when it was stopped. @throws {PerdureError} what no repetition changes */
  readonly done: Promise<void>;
  /** Takes no more calls and ends when those that run have. */
  drain(): void;
  /** Ends at once: what may run again is left to whoever claims it next, the rest is told to be unknown. */
  quit(): void;
}

export function startRunner(options: RunnerOptions): RunningRunner {
  const runner = new Runner(options);
  return { done: runner.run(), drain: () => runner.drain(), quit: () => runner.quit() };
}

class Runner {
  readonly #options: RunnerOptions;
  readonly #connection: RunnerClient;
  readonly #slots: Slots;
  /** Ends the stream of calls. */
  readonly #listening = new AbortController();
  readonly #leaving = new AbortController();
  readonly #calls = new Map<CallId, { stop: AbortController; over: Promise<void> }>();
  #runnerId: RunnerId | undefined;
  #failure: { readonly error: unknown } | undefined;

  constructor(options: RunnerOptions) {
    this.#options = options;
    this.#slots = new Slots(options.parallel);
    const { name, labels, workdir, state, tools, version } = options;
    this.#connection = options.client.runner({
      ...{ name, labels: { ...labels }, workdir, version },
      instance: state.instance,
      tools: offerOf(tools),
    });
  }

  async run(): Promise<void> {
    try {
      await this.#listen();
    } catch (error) {
      this.#failure ??= { error };
    }
    const left = this.#leave();
    // Those that run may still finish, unless what failed concerns them as well: then they end by it.
    while (this.#calls.size > 0)
      await Promise.all([...this.#calls.values()].map(({ over }) => over));
    await left;
    if (this.#failure) throw this.#failure.error;
  }

  drain(): void {
    this.#listening.abort();
  }

  quit(): void {
    this.#listening.abort();
    this.#leaving.abort();
    for (const { stop } of this.#calls.values()) stop.abort(new Stop('quit'));
  }

  async #listen(): Promise<void> {
    const { signal } = this.#listening;
    for (let resumed = false; !signal.aborted; resumed = true) {
      const parts = await this.#register(signal);
      if (!parts) return;
      if (!resumed) this.#resume(parts);
      try {
        await this.#hear(parts);
      } catch (error) {
        // Somebody removed it: it is there again.
        if (!(error instanceof PerdureError && error.code === 'not_found')) throw error;
      }
    }
  }

  async #register(signal: AbortSignal): Promise<CallParts | undefined> {
    const { workdir, state, permit, tools, onReport: report } = this.#options;
    try {
      const { runnerId, leaseMs } = await this.#connection.register(signal);
      this.#runnerId = runnerId;
      report({ type: 'registered', runnerId, tools: tools.map(({ name }) => name) });
      const byName = new Map(tools.map((tool) => [tool.name, tool]));
      const client = this.#connection;
      const own = { slots: this.#slots, files: state.calls, tools: byName };
      return { client, runnerId, leaseMs, workdir, permit, report, ...own };
    } catch (error) {
      if (signal.aborted) return undefined;
      throw error;
    }
  }

  /** As soon as it takes no more calls, though some may still run. */
  async #leave(): Promise<void> {
    if (this.#runnerId === undefined) return;
    const signal = AbortSignal.any([this.#leaving.signal, AbortSignal.timeout(LEAVE_MS)]);
    // Without it the API finds out by itself, a little later.
    await this.#connection.leave(this.#runnerId, signal).catch(() => undefined);
  }

  #resume(parts: CallParts): void {
    const { onReport } = this.#options;
    const left = parts.files.all((file) => onReport({ type: 'broken-file', file }));
    for (const kept of left)
      this.#take(kept.action.invocation.callId, (signal) => resume(parts, kept, signal));
  }

  async #hear(parts: CallParts): Promise<void> {
    const { signal } = this.#listening;
    const news = this.#news(parts.runnerId, signal);
    for await (const one of news) {
      if (signal.aborted) return;
      if (one.type === 'offer') this.#offered(parts, one.action);
      else this.#calls.get(one.callId)?.stop.abort(new Stop('gone'));
    }
  }

  #news(runnerId: RunnerId, signal: AbortSignal): AsyncIterable<RunnerNews> {
    const { onReport } = this.#options;
    return this.#connection.news(runnerId, {
      signal,
      onConnection(notice) {
        if (notice.type === 'resumed') return onReport({ type: 'connected' });
        const { error, retryInMs } = notice;
        onReport({ type: 'disconnected', message: error.message, retryInMs });
      },
    });
  }

  #offered(parts: CallParts, action: AgentToolCall): void {
    const { callId } = action.invocation;
    if (!this.#calls.has(callId)) this.#take(callId, (signal) => attend(parts, action, signal));
  }

  #take(callId: CallId, work: (signal: AbortSignal) => Promise<void>): void {
    const stop = new AbortController();
    const over = work(stop.signal)
      .catch((error: unknown) => {
        if (error instanceof Stop) return;
        this.#failure ??= { error };
        this.#listening.abort();
      })
      .finally(() => this.#calls.delete(callId));
    this.#calls.set(callId, { stop, over });
  }
}
