/** An MCP server behind HTTP, as a process that can be killed and started again. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { vi } from 'vitest';
import { mcpServerSchema } from '../../../contracts/mcp.ts';
import type { McpServerSettings } from '../../../contracts/mcp.ts';
import { freePort, portAnswers } from '../../../servers/child.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { httpShop } from './servers.ts';

export interface Behind extends AsyncDisposable {
  readonly folder: string;
  readonly settings: McpServerSettings;
  readonly pid: number | undefined;
  /** Starts the server once more. */
  start(): Promise<void>;
  /** kill -9, until it is gone. */
  kill(): Promise<void>;
}

/** What took effect in a shop, in order: names, and the keys that came with them. */
export async function effects(folder: string): Promise<readonly string[][]> {
  const text = await readFile(join(folder, 'calls'), 'utf8').catch(() => '');
  return text
    .split('\n')
    .filter(Boolean)
    .map((line) => line.split(' '));
}

/** @param program its arguments; a shop where absent */
export async function behindHttp(
  program: (folder: string, port: number) => readonly string[] = httpShop,
): Promise<Behind> {
  const folder = await temporaryFolder();
  const port = await freePort();
  let child: ReturnType<typeof spawn> | undefined;
  const start = async (): Promise<void> => {
    child = spawn(process.execPath, program(folder.path, port), { stdio: 'inherit' });
    await vi.waitUntil(() => portAnswers(port), { timeout: 60_000, interval: 50 });
  };
  await start();
  return {
    folder: folder.path,
    settings: mcpServerSchema.parse({ url: `http://127.0.0.1:${port}/mcp`, connectMs: 5_000 }),
    get pid() {
      return child?.pid;
    },
    start,
    async kill() {
      const ended = once(child!, 'exit');
      child!.kill('SIGKILL');
      await ended;
    },
    [Symbol.asyncDispose]: async () => {
      child?.kill('SIGKILL');
      await folder[Symbol.asyncDispose]();
    },
  };
}
