/**
 * Model calls in threads of their own. What a token costs on its way from the provider's socket through the provider's library is more than all the rest
 * of its way to a client (measured: 90 µs of 150); on the thread that serves everything else it made every stream late at 6,000 tokens a second.
 */
import { Worker } from 'node:worker_threads';
import { PerdureError } from '../../../contracts/perdure-error.ts';
import type { Answer, AnswerSink } from '../answer-collector.ts';
import { ClassifiedFailure } from '../failure.ts';
import { keysOf } from '../providers.ts';
import type { SecretLookup } from '../providers.ts';
import type { AnswerRequest, AskModel, AskOptions } from '../stream-answer.ts';
import type { ModelCatalogue } from '../../../contracts/settings.ts';
import type { Order, Report, ThreadSettings } from './protocol.ts';

const THREAD = new URL('./thread.ts', import.meta.url);
/** A thread that still holds a connection open is not waited for. */
const END_MS = 2_000;

interface Asked {
  readonly sink: AnswerSink;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: unknown) => void;
  held: boolean;
}

class ModelThread {
  readonly #worker: Worker;
  readonly #calls = new Map<number, Asked>();
  readonly #exited: Promise<void>;
  #lastId = 0;

  constructor(entry: URL, settings: ThreadSettings, onGone: (thread: ModelThread) => void) {
    this.#worker = new Worker(entry, { workerData: settings, execArgv: [] });
    this.#worker.on('message', (reports: readonly Report[]) => {
      for (const report of reports) this.#hear(report);
    });
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#exited = promise;
    const gone = (cause: unknown): void => {
      onGone(this);
      this.#lose(cause);
      resolve();
    };
    this.#worker.on('error', gone);
    this.#worker.on('exit', gone);
  }

  get busy(): number {
    return this.#calls.size;
  }

  async ask(
    { model, ...rest }: AnswerRequest,
    sink: AnswerSink,
    { stop, timeouts }: AskOptions,
  ): Promise<Answer> {
    stop.throwIfAborted();
    const id = ++this.#lastId;
    const { promise, resolve, reject } = Promise.withResolvers<Answer>();
    const onStop = (): void => this.#abandon(id, stop.reason);
    this.#calls.set(id, { sink, resolve, reject, held: false });
    stop.addEventListener('abort', onStop, { once: true });
    try {
      this.#order({
        kind: 'ask',
        id,
        request: { ...rest, model: model.name, key: model.key },
        timeouts,
      });
      return await promise;
    } finally {
      this.#calls.delete(id);
      stop.removeEventListener('abort', onStop);
    }
  }

  async end(): Promise<void> {
    this.#order({ kind: 'end' });
    const timer = setTimeout(() => void this.#worker.terminate(), END_MS);
    await this.#exited;
    clearTimeout(timer);
  }

  #order(order: Order): void {
    this.#worker.postMessage(order);
  }

  /** What a listener throws ends its own call, not the process. */
  #hear(report: Report): void {
    try {
      this.#take(report);
    } catch (error) {
      this.#abandon(report.id, error);
    }
  }

  #take(report: Report): void {
    const call = this.#calls.get(report.id);
    if (!call) return;
    if (report.kind === 'heard') call.sink.onFirstPart();
    else if (report.kind === 'text') this.#text(call, report);
    else if (report.kind === 'answered') call.resolve(report.answer);
    else call.reject(new ClassifiedFailure(report.failure, report.stack));
  }

  #text(call: Asked, { id, content, text }: Extract<Report, { kind: 'text' }>): void {
    const waiting = call.sink.onText(content, text);
    if (!waiting || call.held) return;
    call.held = true;
    this.#order({ kind: 'hold', id });
    const resume = (): void => {
      call.held = false;
      this.#order({ kind: 'resume', id });
    };
    void waiting.then(resume);
  }

  #abandon(id: number, reason: unknown): void {
    this.#order({ kind: 'stop', id });
    this.#calls.get(id)?.reject(reason);
  }

  #lose(cause: unknown): void {
    const message = `The thread that called the model ended: ${String(cause)}.`;
    for (const call of this.#calls.values())
      call.reject(new PerdureError('worker_unavailable', message));
  }
}

export interface ModelThreads extends AsyncDisposable {
  readonly ask: AskModel;
}

export interface ModelThreadsOptions {
  readonly count: number;
  readonly catalogue: ModelCatalogue;
  readonly secrets: SecretLookup;
  /** What a thread runs, instead of the real thing. */
  readonly entry?: URL;
}

/** One that ends by itself is replaced, and what it was asked fails as if the worker had gone away: it will be asked again. */
export function startModelThreads(options: ModelThreadsOptions): ModelThreads {
  const { count, catalogue, secrets, entry = THREAD } = options;
  const settings = { catalogue, secrets: keysOf(catalogue, secrets) };
  const threads = new Set<ModelThread>();
  const gone = (thread: ModelThread): void => void threads.delete(thread);
  const fill = (): void => {
    while (threads.size < count) threads.add(new ModelThread(entry, settings, gone));
  };
  fill();
  return {
    ask: (request, sink, options) => {
      fill();
      const [first, ...others] = threads;
      const thread = others.reduce(
        (least, other) => (other.busy < least.busy ? other : least),
        first!,
      );
      return thread.ask(request, sink, options);
    },
    [Symbol.asyncDispose]: async () => {
      await Promise.all([...threads].map((thread) => thread.end()));
    },
  };
}
