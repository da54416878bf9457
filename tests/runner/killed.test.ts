// kill -9 of a runner at each step of a call, counted by a server outside.
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { Effect } from '../../contracts/tools.ts';
import { uniqueName } from '../api/support/fixture.ts';
import { CallFiles } from '../../runner/call-files.ts';
import { openRunnerStage, type RunnerStage } from './support/stage.ts';

vi.setConfig({ testTimeout: 120_000 });

let stage: RunnerStage;
beforeAll(async () => {
  stage = await openRunnerStage();
});
afterAll(() => stage[Symbol.asyncDispose]());

/** Begins a call and kills its runner where `reached` says so, then starts the runner again. */
async function killedAt(
  effect: Effect,
  where: { hold?: [string, 'request' | 'answer']; wait?: boolean },
) {
  const name = uniqueName('killed');
  const runner = await (await stage.runner({ name })).start();
  const tool = `count_${effect.replace('-', '_')}`;
  const { counter, proxy } = stage;
  const before = counter.total;
  const reached = where.hold && proxy.hold(...where.hold);
  const hold = where.hold === undefined && !where.wait;
  counter.holdAgain();
  const sessionId = await stage.ask({ name }, `${tool}{"hold":${hold},"wait":${!!where.wait}}`);
  const begun = () => (where.wait ? counter.holding > 0 : counter.total > before);
  await (reached ?? runner.until(begun));
  await runner.end();
  proxy.release();
  if (!where.hold) counter.release();
  await runner.start();
  const settled = await stage.settled(sessionId);
  return { settled, count: counter.total - before };
}

const EFFECTS = ['read', 'keyed', 'never-retry'] as const;

describe.each(EFFECTS)('a runner that is killed with a %s call', (effect) => {
  test.each([
    ['before its claim reaches the API', ['tool.claim', 'request']],
    ['after its claim, before it knows', ['tool.claim', 'answer']],
    ['with the result on its disk', ['tool.result', 'request']],
    ['with the result sent, before it knows', ['tool.result', 'answer']],
  ] as const)('%s gives its result when it is back, from one execution', async (_, hold) => {
    const { settled, count } = await killedAt(effect, { hold: [...hold] });
    expect(settled).toMatchObject([{ outcome: 'completed', result: { counted: 1 } }]);
    expect(count).toBe(1);
  });
});

test('a runner that is killed after the side effect, before there is a result, does not repeat what must not run twice and says so', async () => {
  const { settled, count } = await killedAt('never-retry', {});
  expect(settled).toMatchObject([
    {
      outcome: 'unknown',
      error: {
        code: 'tool_outcome_unknown',
        message: expect.stringContaining('was not run again'),
      },
    },
  ]);
  expect(count).toBe(1);
});

test.each(['read', 'keyed'] as const)(
  'a runner that is killed after the side effect of a %s call runs it again, under the same id',
  async (effect) => {
    const ids = new Set(stage.counter.counts.keys());
    const { settled, count } = await killedAt(effect, {});
    expect(settled).toMatchObject([{ outcome: 'completed', result: { counted: 2 } }]);
    expect(count).toBe(2);
    expect([...stage.counter.counts.keys()].filter((id) => !ids.has(id))).toHaveLength(1);
  },
);

test('a runner that is killed when it has begun, before the side effect, does not begin again what must not run twice', async () => {
  const { settled, count } = await killedAt('never-retry', { wait: true });
  expect(settled).toMatchObject([{ outcome: 'unknown', error: { code: 'tool_outcome_unknown' } }]);
  expect(count).toBe(0);
});

test.each(['read', 'keyed'] as const)(
  'a runner that is killed when it has begun a %s call, before the side effect, runs it when it is back',
  async (effect) => {
    const { settled, count } = await killedAt(effect, { wait: true });
    expect(settled).toMatchObject([{ outcome: 'completed', result: { counted: 1 } }]);
    expect(count).toBe(1);
  },
);

test('a never-retry call is on the disk of its runner before its claim reaches the API: nobody is offered a claimed one again, and only who knows it can run it', async () => {
  const name = uniqueName('knows');
  const runner = await (await stage.runner({ name })).start();
  const { counter, proxy } = stage;
  const before = counter.total;
  const claimed = proxy.hold('tool.claim', 'answer');
  const sessionId = await stage.ask({ name }, 'count_never_retry{}');
  await claimed;
  await runner.end();
  const calls = new CallFiles(join(stage.product.folder, name, name, 'calls'));
  expect(calls.all(() => expect.unreachable())).toMatchObject([
    { state: 'claiming', action: { sessionId, invocation: { effect: 'never-retry' } } },
  ]);
  proxy.release();
  await runner.start();
  expect(await stage.settled(sessionId)).toMatchObject([
    { outcome: 'completed', result: { counted: 1 } },
  ]);
  expect(counter.total - before).toBe(1);
});
