import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { RunnerReport } from '../../../runner/report.ts';

const SCRIPT = fileURLToPath(new URL('./counting-tools.ts', import.meta.url));

export interface RunnerProcessOptions {
  readonly url: string;
  readonly counter: string;
  readonly name: string;
  readonly folder: string;
  /** Of its clock. */
  readonly skewMs?: number;
  readonly labels?: Readonly<Record<string, string>>;
}

/** A runner that can be ended in any way and started again with the same folder. */
export class RunnerProcess implements AsyncDisposable {
  readonly #reports: RunnerReport[] = [];
  readonly #options: RunnerProcessOptions;
  #child: ChildProcess | undefined;
  #said = '';

  constructor(options: RunnerProcessOptions) {
    this.#options = options;
  }

  /** Resolves when it has registered. */
  async start(): Promise<this> {
    const { url, counter, name, folder, skewMs = 0, labels = {} } = this.#options;
    const args = [url, counter, name, folder, `${skewMs}`, JSON.stringify(labels)];
    const before = this.said('registered').length;
    this.#child = spawn(process.execPath, [SCRIPT, ...args]);
    let rest = '';
    this.#child.stdout!.on('data', (chunk: Buffer) => {
      const lines = (rest + chunk.toString()).split('\n');
      rest = lines.pop()!;
      this.#reports.push(...lines.map((line) => JSON.parse(line) as RunnerReport));
    });
    this.#child.stderr!.on('data', (chunk: Buffer) => (this.#said += chunk.toString()));
    await this.until(() => this.said('registered').length > before);
    return this;
  }

  async until(holds: () => boolean): Promise<void> {
    while (!holds()) {
      const child = this.#child!;
      if (child.exitCode !== null)
        throw new Error(`The runner ended with ${child.exitCode}: ${this.#said}`);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  signal(name: NodeJS.Signals): void {
    this.#child?.kill(name);
  }

  /** kill -9 unless said otherwise. @returns its exit code */
  end(name: NodeJS.Signals = 'SIGKILL'): Promise<number | null> {
    this.#child!.kill(name);
    return this.ended();
  }

  /** When it has ended by itself. @returns its exit code */
  async ended(): Promise<number | null> {
    const child = this.#child!;
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    return child.exitCode;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child) await this.end();
  }

  /** Its reports of this type. */
  said(type: RunnerReport['type']): readonly RunnerReport[] {
    return this.#reports.filter((report) => report.type === type);
  }
}
