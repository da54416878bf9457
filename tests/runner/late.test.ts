// Calls whose own time is over.
import { expect, test, vi } from 'vitest';
import { createPerdureClient } from '../../client/index.ts';
import { newId } from '../../contracts/ids.ts';
import type { AgentToolCall } from '../../contracts/runners.ts';
import type { Effect } from '../../contracts/tools.ts';
import type { CallParts } from '../../runner/call-parts.ts';
import { executed } from '../../runner/executing.ts';
import { Slots } from '../../runner/slots.ts';
import { openStateFolder } from '../../runner/state-folder.ts';
import type { RunnerTool } from '../../runner/tools.ts';
import { openFolder } from '../activities/workspace-folder.ts';
import { uniqueName } from '../api/support/fixture.ts';
import { openRunnerStage } from './support/stage.ts';

vi.setConfig({ testTimeout: 240_000 });

test('a runner’s call that takes too long is stopped, and says what is known: nothing of what must not run twice, a doubt of a keyed call', async () => {
  await using stage = await openRunnerStage();
  const name = uniqueName('late');
  await (await stage.runner({ name })).start();
  const toolCalls = ['read', 'keyed', 'never_retry'].map((effect) => ({
    ...{ name: `brief_count_${effect}`, arguments: { hold: true } },
  }));
  stage.product.models.script({ toolCalls });
  const settled = await stage.settled(await stage.ask({ name }, 'none{}'));
  const told = settled.toSorted((a, b) => (a.name < b.name ? -1 : 1));
  const late = (tool: string, more = '') => `${tool} took longer than 19 s and was stopped.${more}`;
  const doubt = ' It may or may not have taken effect.';
  expect(told).toMatchObject([
    { outcome: 'failed', error: { message: late('brief_count_keyed', doubt) } },
    {
      outcome: 'unknown',
      error: { code: 'tool_outcome_unknown', message: late('brief_count_never_retry', doubt) },
    },
    { outcome: 'failed', error: { message: late('brief_count_read') } },
  ]);
  expect(stage.counter.holding).toBe(0);
});

test.each([
  ['read', ''],
  ['keyed', ' An attempt before may have taken effect.'],
  ['never-retry', ''],
] as const)(
  'a %s call that is claimed when its time is over is not begun',
  async (effect, doubt) => {
    await using folder = await openFolder();
    using state = openStateFolder(folder.home);
    let ran = 0;
    const tool = toolOf(effect, () => (ran += 1));
    // Nobody is asked.
    using client = createPerdureClient({ url: 'http://127.0.0.1:9' });
    const runner = client.runner({
      ...{ name: 'late', labels: {}, workdir: folder.workspace, version: '1', tools: [] },
      instance: state.instance,
    });
    const parts: CallParts = {
      ...{ client: runner, runnerId: state.instance, leaseMs: 15_000, workdir: folder.workspace },
      ...{ tools: new Map([[tool.name, tool]]), files: state.calls, slots: new Slots(1) },
      permit: () => Promise.resolve(undefined),
      report: () => undefined,
    };
    const invocation = {
      callId: newId('call'),
      name: tool.name,
      arguments: {},
      effect,
      timeoutMs: 1_000,
      attempt: 1,
    };
    const action: AgentToolCall = {
      type: 'agent_tool_call',
      invocation,
      sessionId: newId('ses'),
      workdir: folder.workspace,
    };
    const claim = { dueInMs: 0, sentAt: performance.now() };
    const { signal } = new AbortController();
    expect(await executed(parts, { action, claim, signal })).toEqual({
      status: 'failed',
      message: `The time of tool was over before it could run.${doubt}`,
    });
    expect(ran).toBe(0);
  },
);

const toolOf = (effect: Effect, execute: () => number): RunnerTool => ({
  ...{ name: 'tool', description: 'Counts.', inputSchema: { type: 'object' }, effect },
  execute: () => Promise.resolve(execute()),
});
