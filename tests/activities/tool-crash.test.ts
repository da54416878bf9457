import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { ApplicationFailure } from '@temporalio/common';
import { describe, expect, it } from 'vitest';
import type { ProbeAnswer, ToolExecutor } from '../../activities/tools/executor.ts';
import { isGone, nameOfThisProcess } from '../../activities/tools/running-process.ts';
import { PerdureError } from '../../contracts/perdure-error.ts';
import type { Journal } from '../../journal/port.ts';
import { asked, failure, settledOf } from './asked-tool.ts';
import { activityEnvironment } from './stage.ts';

const never = () => new Promise(() => undefined);

/** A tool that says how often it began, and what the probe finds. */
function payment(probe: () => Promise<ProbeAnswer>, execute: ToolExecutor['execute'] = never) {
  const tool = {
    began: 0,
    probed: [] as string[],
    executor: {
      execute: (run) => {
        tool.began += 1;
        return execute(run);
      },
      probe: (run) => {
        tool.probed.push(run.callId);
        return probe();
      },
    } satisfies ToolExecutor,
  };
  return tool;
}

type Asked = Awaited<ReturnType<typeof asked>>;

/** The worker of the first attempt shuts down while the tool runs. */
async function shutDownIn({ run }: Asked, began: () => number): Promise<void> {
  const env = activityEnvironment({ attempt: 1 });
  const dying = failure(run(1, 300_000, env));
  await expect.poll(began).toBe(1);
  env.cancel('WORKER_SHUTDOWN');
  expect(await dying).toBeInstanceOf(ApplicationFailure);
}

const untilAborted: ToolExecutor['execute'] = ({ signal }) =>
  new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));

describe('of a tool that must not run twice, and whose worker went away in mid-call, the probe', () => {
  it('that finds the effect gives the result, without another run', async () => {
    const tool = payment(() => Promise.resolve({ happened: true, result: 'receipt 7' }));
    await using call = await asked('never-retry', tool.executor);
    await shutDownIn(call, () => tool.began);
    expect((await call.run(2)).outcome).toBe('completed');
    expect(tool).toMatchObject({ began: 1, probed: [call.call.callId] });
    expect(await settledOf(call.stage)).toMatchObject({ result: 'receipt 7' });
  });

  it('that finds none lets it run once more, where the tool has surely ended', async () => {
    const tool = payment(
      () => Promise.resolve({ happened: false }),
      (run) => (tool.began === 1 ? untilAborted(run) : Promise.resolve('paid')),
    );
    await using call = await asked('never-retry', tool.executor);
    await shutDownIn(call, () => tool.began);
    expect((await call.run(2)).outcome).toBe('completed');
    expect(tool.began).toBe(2);
  });

  it('that finds none does not let it run again while the first run may go on', async () => {
    const tool = payment(() => Promise.resolve({ happened: false }));
    await using call = await asked('never-retry', tool.executor);
    await shutDownIn(call, () => tool.began);
    expect((await call.run(2)).outcome).toBe('unknown');
    expect(tool.began).toBe(1);
    const settled = await settledOf(call.stage);
    expect(settled).toMatchObject({ error: { code: 'tool_outcome_unknown' } });
    expect(JSON.stringify(settled)).toContain('may only be standing still');
  });

  it('that does not know leaves the outcome unknown', async () => {
    const tool = payment(() => Promise.resolve('unknown'), untilAborted);
    await using call = await asked('never-retry', tool.executor);
    await shutDownIn(call, () => tool.began);
    expect((await call.run(2)).outcome).toBe('unknown');
    expect(tool.began).toBe(1);
  });

  it('that fails is asked again, and the outcome is unknown where it fails at last', async () => {
    const tool = payment(() => Promise.reject(new Error('the bank is closed')), untilAborted);
    await using call = await asked('never-retry', tool.executor);
    await shutDownIn(call, () => tool.began);
    expect(await failure(call.run(2))).toMatchObject({ message: 'the bank is closed' });
    expect((await call.run(3)).outcome).toBe('unknown');
    expect(tool).toMatchObject({ began: 1, probed: { length: 2 } });
  });

  it('that failed once still allows another run: asking ran nothing', async () => {
    const tool = payment(
      () =>
        tool.probed.length === 1
          ? Promise.reject(new Error('the bank is closed'))
          : Promise.resolve({ happened: false }),
      (run) => (tool.began === 1 ? untilAborted(run) : Promise.resolve('paid')),
    );
    await using call = await asked('never-retry', tool.executor);
    await shutDownIn(call, () => tool.began);
    await failure(call.run(2));
    expect((await call.run(3)).outcome).toBe('completed');
  });

  it('counts whoever may stand still, however many attempts have come and gone since', async () => {
    const tool = payment(() =>
      tool.probed.length === 1
        ? Promise.reject(new Error('the bank is closed'))
        : Promise.resolve({ happened: false }),
    );
    await using call = await asked('never-retry', tool.executor);
    await shutDownIn(call, () => tool.began);
    await failure(call.run(2));
    expect((await call.run(3)).outcome).toBe('unknown');
    expect(tool.began).toBe(1);
  });
});

describe('a worker that shuts down', () => {
  it('keeps what a tool that must not run twice brings to an end in its last moment', async () => {
    let began = 0;
    await using call = await asked('never-retry', ({ signal }) => {
      began += 1;
      return new Promise((resolve) =>
        signal.addEventListener('abort', () => resolve('paid in time')),
      );
    });
    const env = activityEnvironment({ attempt: 1 });
    const running = call.run(1, 300_000, env);
    await expect.poll(() => began).toBe(1);
    env.cancel('WORKER_SHUTDOWN');
    expect((await running).outcome).toBe('completed');
    expect(await settledOf(call.stage)).toMatchObject({ result: 'paid in time' });
  });
});

describe('a journal that is away when a tool has ended', () => {
  it('is waited for: the result is kept, and the tool does not run again', async () => {
    let refusals = 2;
    const spoil = (journal: Journal): Journal => ({
      ...journal,
      ledger: {
        ...journal.ledger,
        finish: (...args) =>
          refusals-- > 0
            ? Promise.reject(new PerdureError('journal_unavailable'))
            : journal.ledger.finish(...args),
      },
    });
    let runs = 0;
    await using call = await asked('never-retry', () => Promise.resolve(++runs), { spoil });
    expect((await call.run(1)).outcome).toBe('completed');
    expect(await settledOf(call.stage)).toMatchObject({ result: 1 });
  });
});

describe('a process', () => {
  it('that has ended is gone, and one that stands still is not', async () => {
    const script = [
      "import { nameOfThisProcess } from './activities/tools/running-process.ts';",
      'console.log(nameOfThisProcess());',
      'setInterval(() => {}, 1_000);',
    ].join('\n');
    const child = spawn(process.execPath, ['--input-type=module', '-e', script]);
    const [line] = (await once(child.stdout, 'data')) as [Buffer];
    const name = line.toString().trim();
    expect(isGone(name)).toBe(false);
    child.kill('SIGSTOP');
    expect(isGone(name)).toBe(false);
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect(isGone(name)).toBe(true);
  });

  it('of another machine, or without a name, is never known to be gone', () => {
    const named = JSON.parse(nameOfThisProcess()) as { where: string };
    expect(isGone(nameOfThisProcess())).toBe(false);
    expect(isGone(JSON.stringify({ ...named, where: 'elsewhere', pid: 1 }))).toBe(false);
    expect(isGone('somebody')).toBe(false);
    expect(isGone(JSON.stringify({ ...named, startedAt: 'before' }))).toBe(true);
  });
});
