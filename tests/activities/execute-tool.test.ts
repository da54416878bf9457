import { ApplicationFailure } from '@temporalio/common';
import { describe, expect, it } from 'vitest';
import { builtInTools } from '../../activities/tools/built-in.ts';
import type { ToolRun } from '../../activities/tools/executor.ts';
import { newId } from '../../contracts/ids.ts';
import { TIME_LIMITS } from '../../contracts/limits.ts';
import { scriptedModel } from '../../testing/scripted-model.ts';
import { asked, failure, settledOf } from './asked-tool.ts';
import { activityEnvironment, openStage } from './stage.ts';

describe('a tool in the worker', () => {
  it('settles its call once: a repeat gets the outcome and runs nothing', async () => {
    let runs = 0;
    await using tool = await asked('read', () => Promise.resolve(++runs));
    expect((await tool.run(1)).outcome).toBe('completed');
    expect((await tool.run(2)).outcome).toBe('completed');
    expect(runs).toBe(1);
    expect(await settledOf(tool.stage)).toMatchObject({ outcome: 'completed', result: 1 });
    expect(await tool.stage.eventsOf('tool.started')).toHaveLength(1);
  });

  it('that denies a call is not tried again', async () => {
    const model = scriptedModel([{ calls: [{ name: 'read_file', input: { path: '../x' } }] }]);
    await using stage = await openStage({ resolver: model.resolver });
    const input = stage.message('go');
    const result = await stage.callModel(input);
    if (result.outcome !== 'tool_calls') throw new Error(result.outcome);
    for (const call of result.calls) expect(await stage.executeTool(input, call)).toBe('failed');
    expect(await settledOf(stage)).toMatchObject({
      outcome: 'failed',
      error: { code: 'tool_denied' },
    });
  });

  it('that breaks is tried three times, then settled as failed', async () => {
    let runs = 0;
    await using tool = await asked('read', () => Promise.reject(new Error(`broken ${++runs}`)));
    expect(await failure(tool.run(1))).toBeInstanceOf(Error);
    expect(await failure(tool.run(2))).toBeInstanceOf(Error);
    expect((await tool.run(3)).outcome).toBe('failed');
    expect(await settledOf(tool.stage)).toMatchObject({
      error: { code: 'tool_failed', message: 'broken 3' },
    });
  });

  it('that takes too long is stopped and settled as timed out', async () => {
    let aborted = false;
    await using tool = await asked('read', ({ signal }) => {
      signal.addEventListener('abort', () => (aborted = true));
      return new Promise(() => undefined);
    });
    expect((await tool.run(1, 50)).outcome).toBe('timed_out');
    expect(aborted).toBe(true);
    expect(await settledOf(tool.stage)).toMatchObject({
      outcome: 'timed_out',
      error: { code: 'tool_timeout' },
    });
  });

  it('with a result over 32 KiB leaves a preview and an artifact', async () => {
    const text = 'x'.repeat(100_000);
    await using tool = await asked('read', () => Promise.resolve(text));
    await tool.run(1);
    const settled = await settledOf(tool.stage);
    if (settled?.outcome !== 'completed') throw new Error('not completed');
    expect(JSON.stringify(settled.result).length).toBeLessThan(10_000);
    const found = await tool.stage.journal.artifacts.get('acme', settled.artifact?.artifact ?? '');
    expect(found?.bytes.length).toBe(100_000);
  });
});

describe('a tool that must never run twice', () => {
  it('and whose worker died in mid-call is settled as unknown, and not run', async () => {
    let runs = 0;
    await using tool = await asked('never-retry', () => {
      runs++;
      return new Promise(() => undefined);
    });
    const env = activityEnvironment({ attempt: 1 });
    const dying = failure(tool.run(1, 300_000, env));
    await expect.poll(() => runs).toBe(1);
    env.cancel('WORKER_SHUTDOWN');
    expect(await dying).toBeInstanceOf(ApplicationFailure);
    expect((await tool.run(2)).outcome).toBe('unknown');
    expect(runs).toBe(1);
    expect(await settledOf(tool.stage)).toMatchObject({ error: { code: 'tool_outcome_unknown' } });
  });

  it('is settled as failed at its first error', async () => {
    await using tool = await asked('never-retry', () => Promise.reject(new Error('broken')));
    expect((await tool.run(1)).outcome).toBe('failed');
  });
});

describe('a tool of another mode', () => {
  it('is run by the executor of its mode, which decides itself what it needs', async () => {
    const runs: ToolRun[] = [];
    const execute = (run: ToolRun): Promise<string> => {
      runs.push(run);
      return Promise.resolve('paid');
    };
    await using tool = await asked('keyed', execute, { mode: 'mcp' });
    expect((await tool.run(1)).outcome).toBe('completed');
    expect(runs).toMatchObject([{ name: 'pay', input: {}, workspace: tool.stage.workspace }]);
  });

  it('whose mode this worker does not have is settled as failed, and says so', async () => {
    await using tool = await asked('read', () => Promise.resolve(1), { mode: 'mcp' });
    const callId = tool.call.callId;
    const { stage } = tool;
    const [requested] = (await stage.eventsOf('tool.requested')).filter(
      ({ data }) => data.callId === callId,
    );
    const step = { ...stage.message('x'), turn: requested!.turn!, step: requested!.step! };
    expect(await stage.executeTool(step, tool.call)).toBe('failed');
    const settled = await stage.eventsOf('tool.settled');
    expect(settled[0]?.data).toMatchObject({
      error: { code: 'tool_failed', message: 'No executor for mode mcp.' },
    });
  });
});

describe('a workspace tool', () => {
  it('in a session without a workspace is denied', async () => {
    const run = {
      sessionId: newId('ses'),
      callId: newId('call'),
      name: 'list_files',
      input: {},
      workspace: null,
      signal: new AbortController().signal,
      progress: () => undefined,
    };
    const listFiles = builtInTools({ home: '/nowhere', timeouts: TIME_LIMITS }).find(
      ({ name }) => name === run.name,
    );
    await expect(listFiles?.execute(run)).rejects.toMatchObject({
      code: 'tool_denied',
    });
  });
});

describe('a tool that is keyed', () => {
  it('runs again under the same key when its worker died', async () => {
    const keys: string[] = [];
    await using tool = await asked('keyed', ({ callId }) => {
      keys.push(callId);
      return keys.length === 1 ? new Promise(() => undefined) : Promise.resolve('paid');
    });
    const env = activityEnvironment({ attempt: 1 });
    const dying = failure(tool.run(1, 300_000, env));
    await expect.poll(() => keys.length).toBe(1);
    env.cancel('WORKER_SHUTDOWN');
    await dying;
    expect((await tool.run(2)).outcome).toBe('completed');
    expect(new Set(keys).size).toBe(1);
  });
});
