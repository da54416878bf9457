/** Runs what strangers wrote for a bounded time. The event loop belongs to every tenant of the worker. */
import { createContext, Script } from 'node:vm';

const script = new Script('work()');
/** One for all: making a context takes longer than most of the work does. */
const global: { work?: () => unknown } = {};
const context = createContext(global);

/** A time-out is told by the clock, which goes on while a busy machine lets nobody run: not the work's fault, so that it is tried again. */
const TRIES = 3;

const cpuMs = (): number => {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1_000;
};

/**
 * What `work` answers, or throws; it must be such that it may be cut off anywhere, and run again.
 * @returns undefined where it took longer
 */
export function bounded<T>(work: () => T, timeoutMs: number): { readonly value: T } | undefined {
  for (let tries = 1; ; tries += 1) {
    const before = cpuMs();
    try {
      // The time-out of a script stops functions that it calls, too, wherever they come from.
      global.work = work;
      return { value: script.runInContext(context, { timeout: timeoutMs }) as T };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ERR_SCRIPT_EXECUTION_TIMEOUT') throw error;
      if (tries === TRIES || cpuMs() - before > timeoutMs / 2) return undefined;
    }
  }
}
