/** Starts a program, and starts it again when it ends without having been asked to. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Child } from '../../servers/child.ts';

const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 30_000;
/** Whoever lived this long did not die of its start: the next wait is the first one again. */
const HEALTHY_MS = 60_000;

export interface KeptProgram {
  readonly name: string;
  /** Resolves when it is ready. Once `stopping` aborts nobody wants it any more: it may give up. */
  readonly start: (stopping: AbortSignal) => Promise<Child>;
  readonly say: (line: string) => void;
}

export interface Kept {
  /** Asks it to end and starts it no more, also where it is just being started again. */
  stop(): Promise<void>;
}

/** @throws what the first start throws: a program that never ran is a mistake of the set-up, not a crash */
export async function keepRunning(program: KeptProgram): Promise<Kept> {
  const stopping = new AbortController();
  const first = await program.start(stopping.signal);
  return new Keeper(program, { stopping, first });
}

class Keeper implements Kept {
  readonly #program: KeptProgram;
  readonly #stopping: AbortController;
  readonly #watching: Promise<void>;
  /** While it runs: a number of a process that has ended may be somebody else's. */
  #current: Child | undefined;
  #wait = FIRST_WAIT_MS;

  constructor(
    program: KeptProgram,
    { stopping, first }: { stopping: AbortController; first: Child },
  ) {
    this.#program = program;
    this.#stopping = stopping;
    this.#current = first;
    this.#watching = this.#watch();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#current?.stop();
    // A start that is under way is ended by the watch, which knows its child.
    await this.#watching;
  }

  async #watch(): Promise<void> {
    const { name, say } = this.#program;
    for (; this.#current; this.#current = await this.#startAgain()) {
      const startedAt = Date.now();
      const code = await this.#current.exited;
      this.#current = undefined;
      if (this.#stopping.signal.aborted) return;
      if (Date.now() - startedAt > HEALTHY_MS) this.#wait = FIRST_WAIT_MS;
      say(ended(name, code, this.#wait));
    }
  }

  /** @returns the program once it runs again; undefined where it is to end instead */
  async #startAgain(): Promise<Child | undefined> {
    const { name, start, say } = this.#program;
    const { signal } = this.#stopping;
    while (await this.#pause()) {
      const child = await start(signal).catch((error: unknown) => {
        if (!signal.aborted) say(`${name} did not start: ${(error as Error).message}`);
        return undefined;
      });
      if (signal.aborted) {
        await child?.stop();
        return undefined;
      }
      if (!child) continue;
      say(`${name} is back`);
      return child;
    }
    return undefined;
  }

  /** Each wait is twice the one before. @returns false where it was ended by `stop` */
  async #pause(): Promise<boolean> {
    const { signal } = this.#stopping;
    await sleep(this.#wait, undefined, { signal }).catch(() => undefined);
    this.#wait = Math.min(this.#wait * 2, LONGEST_WAIT_MS);
    return !signal.aborted;
  }
}

const ended = (name: string, code: number | null, wait: number): string =>
  `${name} ended unexpectedly (${code === null ? 'killed' : `exit code ${code}`}); starting it again in ${wait / 1_000} s`;
