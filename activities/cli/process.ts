/** A process of a program, confined or not: what the rest of this folder knows of it. */
import type { Readable, Writable } from 'node:stream';

export interface Exit {
  /** 128 + n after signal n; null where it was not started, or was ended for going beyond a limit. */
  readonly code: number | null;
  /** For people, where there is no code. */
  readonly why?: string;
}

export interface RunningProcess {
  readonly stdin: Writable;
  readonly stdout: Readable;
  readonly stderr: Readable;
  /** It and what it started have ended, and all that they printed was read. Never rejects. */
  readonly exited: Promise<Exit>;
  /** The same for as long as somebody listens: a promise remembers all who ever asked. @returns ends the listening */
  onExit(listener: (exit: Exit) => void): () => void;
  /** SIGINT to the program and what it started. */
  interrupt(): void;
  /** Ends all of it at once. Resolves when it is gone. */
  kill(): Promise<void>;
}

export interface Launch {
  /** Program and arguments as they are: no shell reads them. */
  readonly command: readonly [program: string, ...args: string[]];
  readonly cwd: string;
  readonly environment: Readonly<Record<string, string>>;
}

/** {@link RunningProcess.onExit} of a process. */
export function exitListeners(exited: Promise<Exit>): RunningProcess['onExit'] {
  const listeners = new Set<(exit: Exit) => void>();
  let ended: Exit | undefined;
  const tell = (exit: Exit): void => {
    ended = exit;
    for (const listener of listeners) listener(exit);
  };
  void exited.then(tell);
  return (listener) => {
    if (ended) listener(ended);
    else listeners.add(listener);
    return () => listeners.delete(listener);
  };
}
