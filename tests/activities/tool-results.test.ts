import { describe, expect, it } from 'vitest';
import { workerTools } from '../../activities/tools/worker-tools.ts';
import type { WorkerTool } from '../../activities/tools/worker-tool.ts';
import { MAX_ARTIFACT_BYTES, TIME_LIMITS } from '../../contracts/limits.ts';
import { asked, failure, settledOf } from './asked-tool.ts';

describe('a result', () => {
  it('larger than any artifact is a failure that says so, and no reason to run again', async () => {
    let runs = 0;
    await using call = await asked('read', () => {
      runs += 1;
      return Promise.resolve('x'.repeat(50 * 1024 * 1024));
    });
    expect((await call.run(1)).outcome).toBe('failed');
    expect(runs).toBe(1);
    expect(await settledOf(call.stage)).toMatchObject({
      error: {
        code: 'tool_failed',
        message: `The tool ran, but its result has 52428800 bytes, and at most ${MAX_ARTIFACT_BYTES} are kept. Ask for less at once.`,
      },
    });
  });

  it('that is no JSON is a failure that says so', async () => {
    const circle: Record<string, unknown> = {};
    circle['itself'] = circle;
    for (const [value, words] of [
      [circle, 'circular structure'],
      [10n, 'BigInt'],
    ] as const) {
      await using call = await asked('read', () => Promise.resolve(value));
      expect((await call.run(1)).outcome).toBe('failed');
      expect(JSON.stringify(await settledOf(call.stage))).toContain(words);
    }
  });

  it('that is nothing, or a function, is null', async () => {
    for (const value of [undefined, () => 1]) {
      await using call = await asked('read', () => Promise.resolve(value));
      await call.run(1);
      expect(await settledOf(call.stage)).toMatchObject({ outcome: 'completed', result: null });
    }
  });

  it("that is not of the tool's output schema is a failure", async () => {
    const tool: WorkerTool = {
      name: 'pay',
      description: 'pays',
      inputSchema: { type: 'object' },
      outputSchema: { type: 'object', required: ['receipt'] },
      effect: 'read',
      execute: () => Promise.resolve({ price: 1 }),
    };
    const { worker } = workerTools([tool], TIME_LIMITS).executors!;
    await using call = await asked('keyed', worker!);
    expect((await call.run(1)).outcome).toBe('failed');
    expect(await settledOf(call.stage)).toMatchObject({
      error: {
        message:
          "pay ran, but its result is wrong: the result must have required property 'receipt'.",
      },
    });
  });
});

describe('a running tool', () => {
  it('tells how far it is: the first word at once, the newest of many, none after its end', async () => {
    const reports: (() => void)[] = [];
    await using call = await asked('read', async ({ progress }) => {
      progress('begun');
      for (let n = 0; n < 1_000; n += 1) progress(`${n}`, n / 999);
      reports.push(() => progress('too late'));
      await expect
        .poll(() => call.stage.eventsOf('tool.progress'), { timeout: 30_000 })
        .toHaveLength(2);
      return 'done';
    });
    await call.run(1);
    reports[0]?.();
    const told = (await call.stage.eventsOf('tool.progress')).map(({ data }) => data);
    expect(told).toMatchObject([{ message: 'begun' }, { message: '999', fraction: 1 }]);
  });

  it('whose call was taken over tells nobody any more', async () => {
    await using call = await asked('keyed', async ({ progress, signal }) => {
      if (began.push(progress) > 1) return 'paid';
      await new Promise((resolve) => signal.addEventListener('abort', resolve));
      progress('from the past');
      return 'late';
    });
    const began: ((message: string) => void)[] = [];
    const first = failure(call.run(1));
    await expect.poll(() => began.length).toBe(1);
    await call.run(2);
    await first;
    expect(await call.stage.eventsOf('tool.progress')).toEqual([]);
  });
});
