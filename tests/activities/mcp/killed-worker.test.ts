import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { expect, it, vi } from 'vitest';
import { temporaryFolder } from '../../support/temporary-folder.ts';

vi.setConfig({ testTimeout: 120_000 });
const HOLDER = fileURLToPath(new URL('../../support/mcp/holder.ts', import.meta.url));

function isThere(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

/** A worker with the server `how`; @returns its process, and those that must not outlive it */
async function held(folder: string, how: string) {
  const worker = spawn(process.execPath, [HOLDER, folder, how], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const children: number[] = [];
  for await (const line of createInterface({ input: worker.stdout })) {
    const said = JSON.parse(line) as { line?: string; pids?: number[] };
    const child = /^child (\d+)$/.exec(said.line ?? '')?.[1];
    if (child) children.push(Number(child));
    if (said.pids) return { worker, pids: [...said.pids, ...children] };
  }
  throw new Error('the worker ended');
}

it.each([
  ['that ends when its input does', 'speaks', 1],
  ['that minds nothing, with the process that it has started', 'stays', 2],
])('an MCP server %s is gone when its worker is killed', async (_, how, count) => {
  await using folder = await temporaryFolder();
  const { worker, pids } = await held(folder.path, how);
  expect(pids).toHaveLength(count);
  expect(pids.every(isThere)).toBe(true);
  worker.kill('SIGKILL');
  await vi.waitUntil(() => !pids.some(isThere), { timeout: 60_000 });
});
