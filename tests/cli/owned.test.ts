import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { endOrphan, remember, startOf } from '../../cli/up/owned.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

function sleeper(program = 'setInterval(() => {}, 1000); console.log("up")') {
  const child = spawn(process.execPath, ['-e', program], { stdio: ['ignore', 'pipe', 'ignore'] });
  const dispose = () => void child.kill('SIGKILL');
  return { child, pid: child.pid ?? 0, up: once(child.stdout, 'data'), [Symbol.dispose]: dispose };
}

describe('what a data folder owns', () => {
  it('is ended when it was left behind', async () => {
    await using folder = await temporaryFolder();
    using orphan = sleeper();
    const file = join(folder.path, 'x.pid.json');
    remember(file, orphan.pid);
    const found: number[] = [];
    await endOrphan(file, { withinMs: 5_000, onFound: (pid) => found.push(pid) });
    expect(found).toEqual([orphan.pid]);
    expect(startOf(orphan.pid)).toBeUndefined();
    await expect(readFile(file)).rejects.toThrow('ENOENT');
  });

  it('is killed when it does not end by itself', async () => {
    await using folder = await temporaryFolder();
    using orphan = sleeper(
      'process.on("SIGTERM", () => {}); setInterval(() => {}, 1000); console.log("up")',
    );
    await orphan.up;
    const file = join(folder.path, 'x.pid.json');
    remember(file, orphan.pid);
    await endOrphan(file, { withinMs: 100 });
    expect(startOf(orphan.pid)).toBeUndefined();
  });

  it("is not somebody else's process that got the same number later", async () => {
    await using folder = await temporaryFolder();
    using stranger = sleeper();
    const file = join(folder.path, 'x.pid.json');
    remember(file, stranger.pid);
    const owned = JSON.parse(await readFile(file, 'utf8')) as { pid: number; startedAt: string };
    await writeFile(file, JSON.stringify({ ...owned, startedAt: `${owned.startedAt}0` }));
    await endOrphan(file, { withinMs: 100 });
    expect(startOf(stranger.pid)).toBe(owned.startedAt);
  });

  it('is nothing where the file is missing or not ours', async () => {
    await using folder = await temporaryFolder();
    const file = join(folder.path, 'x.pid.json');
    await endOrphan(file, { withinMs: 100 });
    await writeFile(file, '{"pid": "1"}');
    await endOrphan(file, { withinMs: 100 });
    await expect(readFile(file)).rejects.toThrow('ENOENT');
  });
});
