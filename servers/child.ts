import { spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { closeSync, fstatSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

export interface LaunchOptions {
  readonly file: string;
  readonly args: readonly string[];
  /** For its environment, which is ours otherwise; what is set there already stays as it is. */
  readonly defaults?: Readonly<Record<string, string>>;
  /** Both streams of the program are appended here. */
  readonly logFile: string;
  /** Its own process group, so that Ctrl-C in a terminal does not reach it and it can be stopped last. */
  readonly detached: boolean;
  /** What asks the program to end; SIGTERM when not given. */
  readonly stopSignal?: NodeJS.Signals;
  /** How long it may take to end before it is killed; 15 s when not given. */
  readonly stopTimeoutMs?: number;
}

export interface Child {
  readonly pid: number;
  /** Settles with the exit code when the program ends, for whatever reason (null: killed by a signal). */
  readonly exited: Promise<number | null>;
  /** The end of what it has written to its log; what others wrote there before is not its own. */
  said(): string;
  /** Asks it to end, and kills it when it has not ended in time. Safe to call twice. */
  stop(): Promise<void>;
}

const STOP_TIMEOUT_MS = 15_000;
const POLL_MS = 50;

/** Starts a server program with its output in a log file. */
export function launch(options: LaunchOptions): Child {
  mkdirSync(dirname(options.logFile), { recursive: true });
  const log = openSync(options.logFile, 'a');
  const before = fstatSync(log).size;
  const child = spawn(options.file, options.args, {
    detached: options.detached,
    env: { ...options.defaults, ...process.env },
    stdio: ['ignore', log, log],
  });
  closeSync(log);
  const exited = new Promise<number | null>((resolve) => {
    child.once('exit', (code) => resolve(code));
    child.once('error', () => resolve(null));
  });
  const pid = child.pid ?? 0;
  const said = (): string => logAfter(options.logFile, before);
  return { pid, exited, said, stop: () => stopAndWait({ pid, exited }, options) };
}

async function stopAndWait(
  { pid, exited }: Pick<Child, 'pid' | 'exited'>,
  { stopSignal = 'SIGTERM', stopTimeoutMs = STOP_TIMEOUT_MS }: LaunchOptions,
): Promise<void> {
  if (!signal(pid, stopSignal)) return;
  const late = sleep(stopTimeoutMs, 'late', { ref: false });
  if ((await Promise.race([exited, late])) !== 'late') return;
  signal(pid, 'SIGKILL');
  await exited;
}

/** False when there is no such process. */
export function signal(pid: number, name: NodeJS.Signals | 0): boolean {
  if (pid <= 0) return false;
  try {
    return process.kill(pid, name);
  } catch {
    return false;
  }
}

/** A program did not live to answer. */
export class EndedAtOnce extends Error {
  override readonly name = 'EndedAtOnce';
  /** Null where a signal ended it. */
  readonly exitCode: number | null;
  constructor(message: string, exitCode: number | null) {
    super(message);
    this.exitCode = exitCode;
  }
}

/** Waits until `isUp` says yes. Fails with the end of the log as soon as the program has ended, or in time. */
export async function waitUntilUp(options: {
  readonly what: string;
  readonly child: Child;
  readonly logFile: string;
  readonly timeoutMs: number;
  readonly isUp: () => Promise<boolean>;
}): Promise<void> {
  const { what, child, logFile } = options;
  const deadline = Date.now() + options.timeoutMs;
  let ended: { readonly exitCode: number | null } | undefined;
  void child.exited.then((exitCode) => (ended = { exitCode }));
  while (!(await options.isUp())) {
    if (ended) {
      const words = `${what} ended at once. ${lastWords(child.said(), logFile)}`;
      throw new EndedAtOnce(words, ended.exitCode);
    }
    if (Date.now() > deadline) {
      await child.stop();
      throw new Error(
        `${what} did not answer in ${options.timeoutMs / 1000} s. Its log: ${logFile}`,
      );
    }
    await sleep(POLL_MS);
  }
}

const SHOWN_LOG = 2_000;

const logAfter = (logFile: string, position: number): string =>
  readFileSync(logFile).subarray(position).toString().slice(-SHOWN_LOG).trim();

const lastWords = (said: string, logFile: string): string =>
  said === ''
    ? `It wrote nothing to its log (${logFile}).`
    : `Its log (${logFile}) ends with:\n${said}`;

/** Whether somebody listens on a port of this machine. */
export function portAnswers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' });
    const settle = (answers: boolean) => {
      socket.destroy();
      resolve(answers);
    };
    socket.once('connect', () => settle(true));
    socket.once('error', () => settle(false));
  });
}

/**
 * Below the range from which systems number outgoing connections (from 32,768 on Linux, 49,152 elsewhere) and from which the Temporal dev server picks
 * the ports it is not told: a port from there would be taken now and then before its server has started.
 */
const FREE_PORTS = { first: 20_000, count: 12_000 } as const;
const given = new Set<number>();

/** A port that was free a moment ago, and that this process has not given out before. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = FREE_PORTS.first + randomInt(FREE_PORTS.count);
    if (given.has(port) || !(await canListen(port))) continue;
    given.add(port);
    return port;
  }
}

function canListen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
