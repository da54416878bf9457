/** Perdure's own processes, started and killed as an operator (or a power cut) would. */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** The program `perdure`. */
export const MAIN = fileURLToPath(new URL('../../cli/main.ts', import.meta.url));
/**
 * Without the measuring of coverage, which costs a process a fifth of its time and the code that it would find compiled: these are started
 * to be killed, and what they run is run by other tests too.
 */
export const UNMEASURED: NodeJS.ProcessEnv = {
  ...process.env,
  NODE_V8_COVERAGE: undefined,
  // vitest sets it beside the other.
  NODE_DISABLE_COMPILE_CACHE: undefined,
};
const START_TIMEOUT_MS = 120_000;
const STOP_TIMEOUT_MS = 90_000;

export interface ProcessOptions {
  readonly name: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly folder: string;
  /** Answers 200 when the process is ready. */
  readonly readyUrl: string;
  /** Another program than the one of this checkout, for rolling upgrades. */
  readonly main?: string;
}

/** A process that can be ended in any way and started again with the same arguments. */
export class ProductProcess implements AsyncDisposable {
  readonly #options: ProcessOptions;
  #child: ChildProcess | undefined;

  constructor(options: ProcessOptions) {
    this.#options = options;
  }

  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  get running(): boolean {
    return this.#child?.exitCode === null && this.#child.signalCode === null;
  }

  /** Where it answers: its API, or a worker's health. */
  get origin(): string {
    return new URL(this.#options.readyUrl).origin;
  }

  get logFile(): string {
    return join(this.#options.folder, `${this.#options.name}.log`);
  }

  async start(main = this.#options.main ?? MAIN): Promise<void> {
    const { args, env } = this.#options;
    const log = openSync(this.logFile, 'a');
    this.#child = spawn(process.execPath, [main, ...args], {
      stdio: ['ignore', log, log],
      env: { ...UNMEASURED, ...env },
    });
    closeSync(log);
    await this.ready();
  }

  async ready(): Promise<void> {
    const deadline = Date.now() + START_TIMEOUT_MS;
    while (!(await answers(this.#options.readyUrl))) {
      if (!this.running || Date.now() > deadline) throw this.#failure();
      await sleep(50);
    }
  }

  signal(name: NodeJS.Signals): void {
    this.#child?.kill(name);
  }

  /** kill -9: nothing is flushed, nothing is said. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL');
  }

  /** SIGTERM, and the exit code after the drain. */
  async drain(): Promise<number | null> {
    await this.#end('SIGTERM');
    return this.#child?.exitCode ?? null;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // A stopped (SIGSTOP) process would never see the request.
    this.signal('SIGCONT');
    await this.#end('SIGTERM');
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    if (!this.#child || !this.running) return;
    const exited = once(this.#child, 'exit');
    this.#child.kill(signal);
    const late = setTimeout(() => this.#child?.kill('SIGKILL'), STOP_TIMEOUT_MS);
    await exited;
    clearTimeout(late);
  }

  #failure(): Error {
    const log = readFileSync(this.logFile, 'utf8').slice(-3_000);
    return new Error(`${this.#options.name} did not become ready. Its log ends with:\n${log}`);
  }
}

const answers = (url: string): Promise<boolean> =>
  fetch(url, { signal: AbortSignal.timeout(2_000) }).then(
    async (response) => (await response.body?.cancel(), response.status === 200),
    () => false,
  );
