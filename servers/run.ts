import { spawn } from 'node:child_process';
import type { Report } from './cache.ts';

export interface RunOptions {
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
  /** Called with every line that the program prints, on either stream. */
  readonly onLine?: (line: string) => void;
}

export interface Ran {
  readonly code: number | null;
  readonly output: string;
}

/** Only the end of a long build log is worth keeping in an error. */
const KEPT_OUTPUT = 16_384;

/** Runs a program to its end. A program that is not there is an ordinary outcome: `code` is null. */
export function run(file: string, args: readonly string[], options: RunOptions = {}): Promise<Ran> {
  return new Promise((resolve) => {
    const child = spawn(file, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    const take = (chunk: Buffer) => {
      const text = chunk.toString();
      output = (output + text).slice(-KEPT_OUTPUT);
      for (const line of text.split('\n')) if (line.trim()) options.onLine?.(line.trim());
    };
    child.stdout.on('data', take);
    child.stderr.on('data', take);
    child.on('error', (error) => resolve({ code: null, output: error.message }));
    child.on('close', (code) => resolve({ code, output }));
  });
}

/** Throws the last line printed when the program fails. */
export async function runOrThrow(
  file: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<string> {
  const { code, output } = await run(file, args, options);
  if (code !== 0) throw new Error(`${file} ended with ${code ?? 'an error'}: ${lastLine(output)}`);
  return output;
}

const PROGRESS_EVERY_MS = 10_000;

/** Says every few seconds that a long step is still going on, and for how long. */
export async function withProgress<T>(
  report: Report,
  what: string,
  step: () => Promise<T>,
): Promise<T> {
  report(`${what} …`);
  const started = Date.now();
  const timer = setInterval(
    () => report(`${what} … ${Math.round((Date.now() - started) / 1000)} s`),
    PROGRESS_EVERY_MS,
  );
  try {
    return await step();
  } finally {
    clearInterval(timer);
  }
}

function lastLine(output: string): string {
  return output.trim().split('\n').at(-1) ?? '';
}
