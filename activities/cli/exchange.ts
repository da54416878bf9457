/** One message to a process and its answer, from the first byte that it prints to the one that ends it. */
import type { PerdureError } from '../../contracts/perdure-error.ts';
import type { CliProvider } from '../../contracts/cli-providers.ts';
import type { ContentKind } from '../../contracts/events.ts';
import type { AnswerReader, Said, Understood } from './said.ts';
import type { Exit, RunningProcess } from './process.ts';
import { lost, timedOut, tooMuch } from './program-failure.ts';

export interface ProgramSink {
  /** Resolves when more may come, and never rejects; nothing to wait for where it may come at once. */
  onText(kind: ContentKind, text: string): Promise<void> | undefined;
  /** What is no part of the answer. */
  onAside(stream: 'stdout' | 'stderr', text: string): void;
}

export interface Exchange {
  readonly process: RunningProcess;
  readonly reader: AnswerReader;
  readonly provider: Pick<CliProvider, 'done' | 'answerBytes'>;
  /** Written to the process; nothing where it was given the message otherwise. */
  readonly input: { readonly text: string; readonly end: boolean } | undefined;
  readonly sink: ProgramSink;
  readonly timeoutMs: number;
  /** Where it stops: whoever aborts cares for the process. */
  readonly signal: AbortSignal;
  /** The last of what it printed as an error, for whoever asks why it ended. */
  complaint(): string;
}

/**
 * @returns what was understood when the answer is complete
 * @throws {PerdureError} `runner_lost` where the process ended before, `tool_timeout`, `limit_exceeded`; or the reason of `signal`
 */
export async function exchange(parts: Exchange): Promise<Understood> {
  const { process, reader, signal } = parts;
  const ended = Promise.withResolvers<void>();
  const stop = (): void => ended.reject(signal.reason);
  const timer = setTimeout(() => ended.reject(timedOut(parts.timeoutMs)), parts.timeoutMs);
  const hearing = new Hearing(parts, ended);
  signal.addEventListener('abort', stop, { once: true });
  if (signal.aborted) stop();
  process.stdout.on('data', hearing.hear).resume();
  const ignoreExit = process.onExit((exit) => hearing.exit(exit));
  try {
    send(parts);
    await ended.promise;
    return reader.understood;
  } finally {
    clearTimeout(timer);
    hearing.close();
    ignoreExit();
    signal.removeEventListener('abort', stop);
    // Flows on to nobody: what a program prints between two messages is no answer.
    process.stdout.off('data', hearing.hear).resume();
  }
}

function send({ process, input, signal }: Exchange): void {
  if (input === undefined || signal.aborted) return;
  process.stdin.write(input.text);
  if (input.end) process.stdin.end();
}

class Hearing {
  readonly #parts: Exchange;
  readonly #ended: PromiseWithResolvers<void>;
  #bytes = 0;
  #silence: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(parts: Exchange, ended: PromiseWithResolvers<void>) {
    this.#parts = parts;
    this.#ended = ended;
  }

  readonly hear = (output: string): void => {
    const { reader, provider } = this.#parts;
    if (this.#closed) return;
    try {
      this.#say(reader.push(output));
    } catch (error) {
      return this.#fail(tooMuch((error as Error).message));
    }
    if (this.#bytes > provider.answerBytes)
      return this.#fail(tooMuch(`it printed more than ${provider.answerBytes} bytes`));
    if (reader.understood.done) return this.#ended.resolve();
    if (provider.done.by === 'silence') this.#awaitSilence(provider.done.ms);
  };

  /** The process has ended: that is the end of the answer, or of more. */
  exit(exit: Exit): void {
    const { reader, provider } = this.#parts;
    if (this.#closed) return;
    this.#say(reader.end());
    const { done, error } = reader.understood;
    const asItShould = provider.done.by === 'exit' && exit.code === 0;
    if (done || error !== undefined || asItShould) this.#ended.resolve();
    else this.#fail(lost(exit, this.#parts.complaint()));
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#silence);
  }

  #fail(error: PerdureError): void {
    this.close();
    this.#ended.reject(error);
  }

  #awaitSilence(ms: number): void {
    clearTimeout(this.#silence);
    this.#silence = setTimeout(() => {
      const { process, reader } = this.#parts;
      // It is not silent while it is not listened to.
      if (process.stdout.isPaused()) return this.#awaitSilence(ms);
      this.#say(reader.end());
      this.#ended.resolve();
    }, ms);
  }

  #say(all: readonly Said[]): void {
    const { sink, process } = this.#parts;
    for (const { kind, text } of all) {
      if (kind === 'aside') {
        sink.onAside('stdout', text);
        continue;
      }
      this.#bytes += Buffer.byteLength(text);
      const wait = sink.onText(kind, text);
      if (!wait) continue;
      process.stdout.pause();
      void wait.then(() => process.stdout.resume());
    }
  }
}
