// Runners that live and work, and are cut off from their API for longer than their claims last.
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { uniqueName } from '../api/support/fixture.ts';
import { startHoldingProxy } from './support/holding-proxy.ts';
import { openRunnerStage, type RunnerStage } from './support/stage.ts';

vi.setConfig({ testTimeout: 240_000 });

let stage: RunnerStage;
beforeAll(async () => {
  stage = await openRunnerStage({ timeouts: { toolLeaseMs: 3_000 } });
});
afterAll(() => stage[Symbol.asyncDispose]());

/** A runner whose calls hold, which is cut off while it executes them. */
async function cutOff(calls: readonly string[]) {
  const { counter, product } = stage;
  const labels = { cut: uniqueName('cut') };
  const way = await startHoldingProxy(product.url);
  const runner = await (await stage.runner({ labels, url: way.url })).start();
  counter.holdAgain();
  const toolCalls = calls.map((name) => ({ name, arguments: { hold: true } }));
  product.models.script({ toolCalls });
  const sessionId = await stage.ask({ labels }, 'none{}');
  await runner.until(() => counter.holding === calls.length);
  return {
    ...{ labels, runner, sessionId, connect: way.cut() },
    [Symbol.asyncDispose]: () => way[Symbol.asyncDispose](),
  };
}

test.each(['count_read', 'count_keyed'])(
  'a runner that is cut off stops its %s call before another one is given it: never are two inside the tool',
  async (tool) => {
    const { counter } = stage;
    const before = counter.holds;
    await using cut = await cutOff([tool]);
    const other = await (await stage.runner({ labels: cut.labels })).start();
    await other.until(() => counter.holds - before === 2);
    expect(counter.crowd).toBe(1);
    counter.release();
    expect(await stage.settled(cut.sessionId)).toMatchObject([
      { outcome: 'completed', result: { counted: 2 } },
    ]);
    cut.connect();
    await cut.runner.until(() => cut.runner.said('dropped').length === 1);
    expect(cut.runner.said('delivered')).toEqual([]);
  },
);

test('a runner that is cut off and connected again claims the call again that it stopped, and goes on with what must not run twice, which nobody else was given', async () => {
  const { counter } = stage;
  const before = counter.total;
  await using cut = await cutOff(['count_keyed', 'count_never_retry']);
  // The claims lapse: the keyed call is stopped.
  await cut.runner.until(() => counter.holding === 1);
  cut.connect();
  await cut.runner.until(() => counter.holding === 2);
  expect(counter.total - before).toBe(3);
  counter.release();
  const settled = await stage.settled(cut.sessionId);
  expect(settled.toSorted((a, b) => (a.name < b.name ? -1 : 1))).toMatchObject([
    { name: 'count_keyed', outcome: 'completed', result: { counted: 2 } },
    { name: 'count_never_retry', outcome: 'completed', result: { counted: 1 } },
  ]);
  expect(cut.runner.said('started')).toHaveLength(3);
  expect(counter.crowd).toBe(1);
});
