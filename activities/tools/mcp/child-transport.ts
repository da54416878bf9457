/**
 * A server as a child of this worker, spoken to over its standard input and output. Not the SDK's own transport: that one starts the
 * program in the worker's process group, ends only the program itself, and leaves it alone when the worker is killed.
 */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import type { Duplex, Readable, Writable } from 'node:stream';
import { deserializeMessage, serializeMessage } from '@modelcontextprotocol/client';
import type { JSONRPCMessage, Transport } from '@modelcontextprotocol/client';
import { MAX_MCP_MESSAGE_BYTES } from './limits.ts';
import { Lines } from './lines.ts';

/**
 * Becomes the server, and leaves a watchman behind in its process group: when the worker's end of descriptor 3 closes, whatever the worker died
 * of, everything in the group is killed, a server that does not mind its closed input and what it has started as well.
 */
const GUARDED =
  '{ read -r _ <&3; kill -s KILL -- "-$$"; } </dev/null >/dev/null 2>&1 & exec "$0" "$@" 3<&-';

/** From the closed input to SIGTERM, and from that to SIGKILL. */
const GRACE_MS = 1_000;
const LAST_WORDS_MS = 500;

export interface ChildProgram {
  readonly command: string;
  readonly args: readonly string[];
  /** All of its variables. */
  readonly env: Readonly<Record<string, string>>;
  readonly cwd?: string | undefined;
  /** What it writes to its standard error. */
  readonly onStderr: (chunk: Buffer) => void;
}

interface Pipes {
  readonly input: Writable;
  readonly output: Readable;
  readonly errors: Readable;
  readonly leash: Duplex;
}

const pipesOf = ({ stdio }: ChildProcess): Pipes => ({
  input: stdio[0] as Writable,
  output: stdio[1] as Readable,
  errors: stdio[2] as Readable,
  leash: stdio[3] as Duplex,
});

export class ChildTransport implements Transport {
  onclose?: () => void;
  onerror?: (error: Error) => void;
  onmessage?: (message: JSONRPCMessage) => void;
  /** With `pid` what tells the SDK that a server which does not answer its first question speaks the older protocol. */
  readonly stderr = null;
  readonly #program: ChildProgram;
  readonly #lines = new Lines(MAX_MCP_MESSAGE_BYTES);
  readonly #ended = Promise.withResolvers<void>();
  #child: ChildProcess | undefined;
  #how: string | undefined;

  constructor(program: ChildProgram) {
    this.#program = program;
  }

  get pid(): number | null {
    return this.#child?.pid ?? null;
  }

  /** Why it is not there, for people. */
  get how(): string {
    return this.#how ?? 'it was not started';
  }

  async start(): Promise<void> {
    const { command, args, env, cwd, onStderr } = this.#program;
    const child = spawn('/bin/sh', ['-c', GUARDED, command, ...args], {
      cwd,
      env,
      detached: true,
      stdio: ['pipe', 'pipe', 'pipe', 'pipe'],
    });
    this.#child = child;
    const { input, output, errors, leash } = pipesOf(child);
    child.once('exit', (code, signal) => {
      // The watchman takes what the server has left in its group with it.
      leash.destroy();
      const how = `it ended (${signal ?? `exit code ${code}`})`;
      // Its last words are read first, unless something that left the group holds on to its output.
      const timer = setTimeout(() => this.#onEnd(how), LAST_WORDS_MS);
      child.once('close', () => {
        clearTimeout(timer);
        this.#onEnd(how);
      });
    });
    for (const pipe of [input, output, errors, leash])
      pipe.on('error', (error) => this.onerror?.(error));
    errors.on('data', onStderr);
    output.on('data', (chunk: Buffer) => this.#read(chunk));
    await new Promise<void>((resolve, reject) => {
      child.once('spawn', resolve);
      child.once('error', (error) => {
        this.#onEnd(`it could not be started: ${error.message}`);
        reject(error);
      });
    });
  }

  async send(message: JSONRPCMessage): Promise<void> {
    const input = this.#child?.stdin;
    if (!input?.writable) throw new Error(`The server cannot be written to: ${this.how}.`);
    if (input.write(serializeMessage(message))) return;
    const drained = new Promise<void>((resolve) => input.once('drain', resolve));
    await Promise.race([drained, this.#ended.promise]);
  }

  /** Asks it to end, then makes it. */
  async close(): Promise<void> {
    const child = this.#child;
    if (!child?.pid) return this.#onEnd(this.how);
    child.stdin?.end();
    if (await this.#endsWithin(GRACE_MS)) return;
    signalGroup(child.pid, 'SIGTERM');
    if (await this.#endsWithin(GRACE_MS)) return;
    signalGroup(child.pid, 'SIGKILL');
    await this.#ended.promise;
  }

  #read(chunk: Buffer): void {
    for (const line of this.#linesIn(chunk)) this.#readOne(line);
  }

  #linesIn(chunk: Buffer): readonly string[] {
    try {
      return this.#lines.take(chunk);
    } catch (error) {
      this.#how ??= `it sent a message of more than ${MAX_MCP_MESSAGE_BYTES} bytes`;
      this.onerror?.(error as Error);
      this.#kill();
      return [];
    }
  }

  /** What is no message is reported and left out. */
  #readOne(line: string): void {
    let message: JSONRPCMessage;
    try {
      message = deserializeMessage(line);
    } catch (error) {
      this.onerror?.(new Error('a line that is no message', { cause: error }));
      return;
    }
    this.onmessage?.(message);
  }

  #kill(): void {
    if (this.#child?.pid) signalGroup(this.#child.pid, 'SIGKILL');
  }

  async #endsWithin(ms: number): Promise<boolean> {
    const late = Promise.withResolvers<false>();
    const timer = setTimeout(() => late.resolve(false), ms);
    const ended = this.#ended.promise.then(() => true);
    return await Promise.race([ended, late.promise]).finally(() => clearTimeout(timer));
  }

  #onEnd(how: string): void {
    const child = this.#child;
    this.#how ??= how;
    this.#lines.clear();
    if (child) for (const pipe of child.stdio) pipe?.destroy();
    this.#child = undefined;
    this.#ended.resolve();
    const { onclose } = this;
    delete this.onclose;
    onclose?.();
  }
}

function signalGroup(leader: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-leader, signal);
  } catch {
    // It is gone already.
  }
}
