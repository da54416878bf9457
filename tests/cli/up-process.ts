/** `perdure up` as a person starts it: a process in a folder of its own, on ports of its own. */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../../servers/child.ts';

export const MAIN = fileURLToPath(new URL('../../cli/main.ts', import.meta.url));
const START_TIMEOUT_MS = 180_000;
const STOP_TIMEOUT_MS = 60_000;

export interface Place {
  readonly folder: string;
  readonly env: NodeJS.ProcessEnv;
  readonly url: string;
}

/** A folder and three ports that nobody else uses; several starts in it are starts of the same installation. */
export async function place(folder: string): Promise<Place> {
  const [api, temporal, ui] = [await freePort(), await freePort(), await freePort()];
  const own = Object.entries(process.env).filter(([name]) => !/^(PERDURE|TEMPORAL)_/.test(name));
  const cli = process.env['TEMPORAL_CLI_PATH'];
  const env = {
    ...Object.fromEntries(own),
    ...(cli && { TEMPORAL_CLI_PATH: cli }),
    ...(process.env['PERDURE_CACHE'] && { PERDURE_CACHE: process.env['PERDURE_CACHE'] }),
    PERDURE_API_PORT: `${api}`,
    PERDURE_TEMPORAL_PORT: `${temporal}`,
    PERDURE_TEMPORAL_UI_PORT: `${ui}`,
    PERDURE_DEFAULT_MODEL: 'demo',
  };
  return { folder, env, url: `http://127.0.0.1:${api}` };
}

export class Up implements AsyncDisposable {
  readonly place: Place;
  readonly #child: ChildProcess;
  output = '';

  constructor(where: Place) {
    this.place = where;
    this.#child = spawn(process.execPath, [MAIN, 'up'], {
      cwd: where.folder,
      env: where.env,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [this.#child.stdout, this.#child.stderr])
      stream?.on('data', (chunk: Buffer) => (this.output += chunk.toString()));
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** Waits for a text in what it prints. */
  async says(text: string): Promise<void> {
    const deadline = Date.now() + START_TIMEOUT_MS;
    while (!this.output.includes(text)) {
      if (this.#ended || Date.now() > deadline)
        throw new Error(`it never said "${text}", but: ${this.output}`);
      await sleep(50);
    }
  }

  async exitCode(): Promise<number | null> {
    if (!this.#ended) await once(this.#child, 'exit');
    return this.#child.exitCode;
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }

  async end(signal: NodeJS.Signals): Promise<number | null> {
    this.signal(signal);
    return this.exitCode();
  }

  get #ended(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#ended) {
      this.#child.kill('SIGTERM');
      const late = setTimeout(() => this.#child.kill('SIGKILL'), STOP_TIMEOUT_MS);
      await this.exitCode();
      clearTimeout(late);
    }
    for (const pid of Object.values(childrenOf(this.place)))
      if (isRunning(pid)) process.kill(pid, 'SIGKILL');
  }
}

/** The processes that the data folder says it owns. */
export function childrenOf({ folder }: Place): Readonly<Record<'perdure' | 'temporal', number>> {
  return { perdure: pidIn(folder, 'all-in-one'), temporal: pidIn(folder, 'temporal') };
}

function pidIn(folder: string, name: string): number {
  try {
    const text = readFileSync(join(folder, '.perdure', `${name}.pid.json`), 'utf8');
    return (JSON.parse(text) as { pid: number }).pid;
  } catch {
    return 0;
  }
}

export function isRunning(pid: number): boolean {
  if (pid <= 0) return false;
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2, stat.lastIndexOf(')') + 3) !== 'Z';
  } catch {
    return false;
  }
}

export async function ask(
  url: string,
  text: string,
): Promise<{ sessionId: string; reply: string }> {
  const started = await post(`${url}/api/sessions`, {});
  const sessionId = started['sessionId'] as string;
  const answer = await post(`${url}/api/sessions/${sessionId}/messages?wait=120s`, {
    content: text,
  });
  return { sessionId, reply: (answer['reply'] as { text: string }).text };
}

export async function post(url: string, body: object): Promise<Record<string, unknown>> {
  const headers = { 'content-type': 'application/json' };
  const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) });
  if (!response.ok) throw new Error(`${url}: ${response.status} ${await response.text()}`);
  return (await response.json()) as Record<string, unknown>;
}
