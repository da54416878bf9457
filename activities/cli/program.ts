/**
 * A program that answers in one session: its directory, the conversation it has, and its process, or one process after the other. Asked one
 * message at a time. Ready → busy → ready … → terminated.
 */
import { randomUUID } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { setImmediate, setTimeout as sleep } from 'node:timers/promises';
import type { CliProvider } from '../../contracts/cli-providers.ts';
import { answerReader } from './answer-reader.ts';
import type { AnswerReader, Understood } from './said.ts';
import { remove } from './directory.ts';
import { exchange } from './exchange.ts';
import type { ProgramSink } from './exchange.ts';
import type { Used } from './json-line.ts';
import type { Exit, RunningProcess } from './process.ts';
import { gone, lost, notStarted } from './program-failure.ts';
import { RunningTotal } from './running-total.ts';
import { Tail } from './tail.ts';
import { fill } from './template.ts';
import type { TemplateValues } from './template.ts';

export interface ProgramParts {
  readonly provider: CliProvider;
  readonly instructions: string;
  /** Its own, to be made; removed with it. */
  readonly directory: string;
  /** Of an earlier program, to go on with. */
  readonly conversation: string | undefined;
  /** What the answers of that conversation took so far. */
  readonly used: Used | undefined;
  /** A process with these arguments, in this program's directory and confinement. */
  readonly spawn: (args: readonly string[]) => RunningProcess;
}

export interface Question {
  readonly message: string;
  readonly sink: ProgramSink;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

export interface Reply extends Pick<Understood, 'error' | 'conversation'> {
  /** Undefined where the program does not say. */
  readonly used: Used | undefined;
}

/** From an interrupt to the program's own end of its answer; then it is killed. */
const INTERRUPT_GRACE_MS = 2_000;
/** A program whose answer is complete writes down what it knows, and ends. */
const EXIT_GRACE_MS = 5_000;
/** The same where the worker goes away: others wait. */
const LEAVE_GRACE_MS = 1_000;

/** What was printed as an error before the end of the answer lies in another pipe, which the next round of the event loop reads. */
const errorsRead = async (): Promise<void> => {
  await setImmediate();
  await setImmediate();
};

const SILENT: ProgramSink = { onText: () => undefined, onAside: () => undefined };

export class Program {
  readonly #parts: ProgramParts;
  readonly #total: RunningTotal;
  #conversation: string | undefined;
  /** The one that stands for the whole session; of one for each message, the one that answers. */
  #process: RunningProcess | undefined;
  /** Why the standing process ended, where nobody had asked for it. */
  #died: Exit | undefined;
  /** It was interrupted: its end is no loss, the next message starts it again. */
  #stopping: RunningProcess | undefined;
  #complaints = new Tail();
  #sink = SILENT;
  /** One message at a time; the next one waits until an interrupted one has come to its end. */
  #busy: Promise<unknown> = Promise.resolve();
  #terminated = false;

  private constructor(parts: ProgramParts) {
    this.#parts = parts;
    this.#conversation = parts.conversation;
    this.#total = new RunningTotal(parts.provider, parts.used);
  }

  /** @throws {PerdureError} `model_rejected` where it ends before it takes messages; the reason of `signal`. Nothing is left of it then. */
  static async start(parts: ProgramParts, signal: AbortSignal): Promise<Program> {
    await mkdir(parts.directory, { recursive: true, mode: 0o700 });
    const program = new Program(parts);
    try {
      if (parts.provider.process === 'session') await program.#stand(signal);
      return program;
    } catch (error) {
      await program.terminate();
      throw error;
    }
  }

  /** The program's own id of what was said. */
  get conversation(): string | undefined {
    return this.#conversation;
  }

  /**
   * @throws {PerdureError} `runner_lost`, `tool_timeout`, `limit_exceeded`; or the reason of the question's signal. After any of the first
   * three it is of no more use.
   */
  ask(question: Question): Promise<Reply> {
    const asked = this.#busy.then(() => this.#ask(question));
    this.#busy = asked.catch(() => undefined);
    return asked;
  }

  /** Nothing is left of it: no process, no directory. Repeats wait for the first. */
  async terminate(): Promise<void> {
    this.#terminated = true;
    await this.#process?.kill();
    await remove(this.#parts.directory);
  }

  /** The same between two messages, for one whose conversation may go on elsewhere: it may write down what it knows. */
  async leave(): Promise<void> {
    this.#terminated = true;
    const process = this.#process;
    if (process) {
      process.stdin.end();
      await this.#end(process, LEAVE_GRACE_MS);
    }
    await this.terminate();
  }

  async #ask(question: Question): Promise<Reply> {
    const { signal } = question;
    signal.throwIfAborted();
    const marker = `perdure-${randomUUID()}`;
    const values = this.#values(question.message, marker);
    const process = await this.#processFor(values, signal);
    const reader = answerReader(this.#parts.provider, marker);
    this.#sink = question.sink;
    try {
      const understood = await this.#exchange({ process, reader, values }, question);
      await errorsRead();
      return this.#reply(understood);
    } catch (error) {
      this.#sink = SILENT;
      if (signal.aborted) await this.#stop({ process, reader, values });
      else await process.kill();
      throw error;
    } finally {
      this.#sink = SILENT;
      if (this.#parts.provider.process === 'command') await this.#end(process);
    }
  }

  #exchange(
    { process, reader, values }: Asked,
    { sink, timeoutMs, signal }: Pick<Question, 'sink' | 'timeoutMs' | 'signal'>,
  ): Promise<Understood> {
    const { provider } = this.#parts;
    const { input } = provider;
    return exchange({
      ...{ process, reader, provider, sink, timeoutMs, signal },
      input: input && { text: fill(input.template, values), end: input.end },
      complaint: () => this.#complaints.text,
    });
  }

  #reply({ error, conversation, used }: Understood): Reply {
    this.#conversation = conversation ?? this.#conversation;
    return {
      error,
      conversation: this.#conversation,
      used: used && this.#total.since(used),
    };
  }

  #values(message: string, marker: string): TemplateValues {
    const { instructions } = this.#parts;
    return { message, marker, conversation: this.#conversation ?? '', instructions };
  }

  async #processFor(values: TemplateValues, signal: AbortSignal): Promise<RunningProcess> {
    if (this.#terminated) throw gone();
    if (this.#parts.provider.process === 'command') return this.#spawn(values);
    if (this.#died) throw lost(this.#died, this.#complaints.text);
    return this.#process ?? this.#stand(signal);
  }

  /** The process of the whole session, or the one that follows an interrupted one. */
  async #stand(signal: AbortSignal): Promise<RunningProcess> {
    const process = this.#spawn(this.#values('', ''));
    this.#total.startAnew();
    const { ready } = this.#parts.provider;
    if (ready !== undefined) await this.#untilReady(process, new RegExp(`(?:${ready})$`), signal);
    process.onExit((exit) => this.#noteEnd(process, exit));
    return process;
  }

  #noteEnd(process: RunningProcess, exit: Exit): void {
    if (this.#process !== process) return;
    this.#process = undefined;
    if (this.#stopping !== process) this.#died = exit;
  }

  async #untilReady(process: RunningProcess, ready: RegExp, signal: AbortSignal): Promise<void> {
    const printed = new Tail();
    const done = Promise.withResolvers<void>();
    const hear = (text: string): void => {
      printed.add(text);
      if (ready.test(printed.text)) done.resolve();
    };
    const stop = (): void => done.reject(signal.reason);
    signal.addEventListener('abort', stop, { once: true });
    if (signal.aborted) stop();
    process.stdout.on('data', hear);
    void process.exited.then((exit) => done.reject(notStarted(exit, this.#complaints.text)));
    try {
      await done.promise;
    } finally {
      signal.removeEventListener('abort', stop);
      process.stdout.off('data', hear).resume();
    }
  }

  #spawn(values: TemplateValues): RunningProcess {
    const { spawn, provider, instructions } = this.#parts;
    const { args, resumeArgs, instructionsArgs = [], sandboxArgs = [] } = provider;
    const goesOn = this.#conversation !== undefined && resumeArgs !== undefined;
    const all = [
      ...(goesOn ? resumeArgs : args),
      ...(provider.sandbox === 'none' ? [] : sandboxArgs),
      ...(instructions === '' ? [] : instructionsArgs),
    ];
    const process = spawn(all.map((arg) => fill(arg, values)));
    this.#process = process;
    this.#complaints = new Tail();
    process.stdout.setEncoding('utf8').resume();
    process.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#complaints.add(text);
      this.#sink.onAside('stderr', text);
    });
    return process;
  }

  /** An interrupt: what it prints until its own end is for nobody. One that does not come to an end is killed. */
  async #stop({ process, reader, values }: Asked): Promise<void> {
    const { provider } = this.#parts;
    if (this.#terminated) return process.kill();
    this.#stopping = process;
    if (provider.interrupt === undefined) process.interrupt();
    else process.stdin.write(fill(provider.interrupt, values));
    const { signal } = new AbortController();
    const parts = { process, reader, provider, signal, sink: SILENT, input: undefined };
    const rest = { timeoutMs: INTERRUPT_GRACE_MS, complaint: () => '' };
    try {
      await exchange({ ...parts, ...rest });
      this.#stopping = undefined;
    } catch {
      await process.kill();
    }
  }

  async #end(process: RunningProcess, graceMs = EXIT_GRACE_MS): Promise<void> {
    const patience = new AbortController();
    const late = sleep(graceMs, undefined, { signal: patience.signal }).catch(() => undefined);
    await Promise.race([process.exited, late]);
    patience.abort();
    await process.kill();
    if (this.#process === process) this.#process = undefined;
  }
}

interface Asked {
  readonly process: RunningProcess;
  readonly reader: AnswerReader;
  readonly values: TemplateValues;
}
