/** Starts a program, and starts it again when it ends without having been asked to. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Child } from '../../servers/child.ts';

const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 30_000;
/** Whoever lived this long did not die of its start: the next wait is the first one again. */
const HEALTHY_MS = 60_000;

export interface KeptProgram {
  readonly name: string;
  /** Resolves when it is ready. */
  readonly start: () => Promise<Child>;
  readonly say: (line: string) => void;
}

export interface Kept {
  readonly pid: number | undefined;
  /** Asks it to end and starts it no more. */
  stop(): Promise<void>;
}

/** @throws what the first start throws: a program that never ran is a mistake of the set-up, not a crash */
export async function keepRunning(program: KeptProgram): Promise<Kept> {
  const stopping = new AbortController();
  let current: Child | undefined = await program.start();
  let startedAt = Date.now();
  const loop = (async () => {
    let wait = FIRST_WAIT_MS;
    for (;;) {
      const code = current ? await current.exited : undefined;
      if (stopping.signal.aborted) return;
      if (current && Date.now() - startedAt > HEALTHY_MS) wait = FIRST_WAIT_MS;
      if (current) program.say(ended(program.name, code, wait));
      current = undefined;
      await sleep(wait, undefined, { signal: stopping.signal }).catch(() => undefined);
      if (stopping.signal.aborted) return;
      wait = Math.min(wait * 2, LONGEST_WAIT_MS);
      current = await program.start().catch((error: unknown) => {
        program.say(`${program.name} did not start: ${(error as Error).message}`);
        return undefined;
      });
      startedAt = Date.now();
      if (current) program.say(`${program.name} is back`);
    }
  })();
  return {
    get pid() {
      return current?.pid;
    },
    stop: async () => {
      stopping.abort();
      await current?.stop();
      await loop;
      // A start that was under way when the stop came.
      await current?.stop();
    },
  };
}

const ended = (name: string, code: number | null | undefined, wait: number): string =>
  `${name} ended unexpectedly (${code === null ? 'killed' : `exit code ${code}`}); starting it again in ${wait / 1_000} s`;
