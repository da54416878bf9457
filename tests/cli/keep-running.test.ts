import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { keepRunning } from '../../cli/up/keep-running.ts';
import { launch, signal } from '../../servers/child.ts';
import type { Child } from '../../servers/child.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

/** A program that runs until it is asked to end; each of its starts takes until the test lets it through. */
async function startedByHand() {
  const folder = await temporaryFolder();
  const children: Child[] = [];
  const said: string[] = [];
  const begun = [Promise.withResolvers<AbortSignal>(), Promise.withResolvers<AbortSignal>()];
  const ready = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const start = async (stopping: AbortSignal): Promise<Child> => {
    const child = launch({
      file: process.execPath,
      args: ['-e', 'setInterval(() => {}, 1000)'],
      logFile: join(folder.path, 'log'),
      detached: false,
    });
    const count = children.push(child);
    begun[count - 1]!.resolve(stopping);
    await ready[count - 1]!.promise;
    return child;
  };
  const dispose = async (): Promise<void> => {
    for (const { pid } of children) signal(pid, 'SIGKILL');
    await folder[Symbol.asyncDispose]();
  };
  const program = { name: 'It', start, say: (line: string) => void said.push(line) };
  return { program, children, said, begun, ready, [Symbol.asyncDispose]: dispose };
}

describe('a program that is kept running', () => {
  it('is started again when it dies, until it is to end', async () => {
    await using it = await startedByHand();
    for (const { resolve } of it.ready) resolve();
    const kept = await keepRunning(it.program);
    signal(it.children[0]!.pid, 'SIGKILL');
    await expect
      .poll(() => it.said, { timeout: 30_000 })
      .toEqual(['It ended unexpectedly (killed); starting it again in 0.5 s', 'It is back']);
    await kept.stop();
    await it.children[1]!.exited;
    expect(it.children.length).toBe(2);
  });

  it('ends, and stays ended, where it was to end in the middle of its second start', async () => {
    await using it = await startedByHand();
    it.ready[0]!.resolve();
    const kept = await keepRunning(it.program);
    signal(it.children[0]!.pid, 'SIGKILL');
    const stopping = await it.begun[1]!.promise;
    const stopped = kept.stop();
    expect(stopping.aborted).toBe(true);
    it.ready[1]!.resolve();
    await stopped;
    await it.children[1]!.exited;
    expect(it.said).toEqual(['It ended unexpectedly (killed); starting it again in 0.5 s']);
  });

  it('says nothing of a start that gave up because it was to end', async () => {
    await using it = await startedByHand();
    it.ready[0]!.resolve();
    const kept = await keepRunning(it.program);
    signal(it.children[0]!.pid, 'SIGKILL');
    await it.begun[1]!.promise;
    const stopped = kept.stop();
    it.ready[1]!.reject(new Error('given up'));
    await stopped;
    expect(it.said.length).toBe(1);
  });

  it('is tried again where a start fails', async () => {
    await using it = await startedByHand();
    it.ready[0]!.resolve();
    it.ready[1]!.resolve();
    let starts = 0;
    const start = (stopping: AbortSignal): Promise<Child> =>
      ++starts === 2 ? Promise.reject(new Error('no room')) : it.program.start(stopping);
    const kept = await keepRunning({ ...it.program, start });
    signal(it.children[0]!.pid, 'SIGKILL');
    await expect
      .poll(() => it.said.slice(1), { timeout: 30_000 })
      .toEqual(['It did not start: no room', 'It is back']);
    await kept.stop();
  });
});
