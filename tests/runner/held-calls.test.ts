// What a runner has claimed stays its own, whatever becomes of its registration.
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { eventually, uniqueName } from '../api/support/fixture.ts';
import { openRunnerStage, type RunnerStage } from './support/stage.ts';

vi.setConfig({ testTimeout: 240_000 });

let stage: RunnerStage;
beforeAll(async () => {
  stage = await openRunnerStage({ timeouts: { toolLeaseMs: 3_000 } });
});
afterAll(() => stage[Symbol.asyncDispose]());

const registered = async (name: string): Promise<string | undefined> => {
  const { body } = await stage.product.send('GET', '/api/runners');
  const all = body['runners'] as { name: string; runnerId: string }[];
  return all.find((runner) => runner.name === name)?.runnerId;
};

async function forget(name: string): Promise<void> {
  const gone = await stage.product.send('DELETE', `/api/runners/${await registered(name)}`);
  expect(gone.body).toMatchObject({ removed: true });
}

test('a runner that comes back with other labels delivers the result that it had', async () => {
  const name = uniqueName('relabelled');
  const labels = { was: name };
  const runner = await (await stage.runner({ name, labels })).start();
  const { counter, proxy } = stage;
  const before = counter.total;
  const reached = proxy.hold('tool.result', 'request');
  const sessionId = await stage.ask({ labels }, 'count_never_retry{}');
  await reached;
  await runner.end();
  proxy.release();
  await (await stage.runner({ name, labels: { is: name } })).start();
  expect(await stage.settled(sessionId)).toMatchObject([
    { outcome: 'completed', result: { counted: 1 } },
  ]);
  expect(counter.total - before).toBe(1);
});

test('a runner that comes back with other labels in the middle of a keyed call runs it again, which is still its own', async () => {
  const name = uniqueName('relabelled');
  const labels = { was: name };
  const runner = await (await stage.runner({ name, labels })).start();
  const { counter } = stage;
  counter.holdAgain();
  const sessionId = await stage.ask({ labels }, 'count_keyed{"hold":true}');
  await runner.until(() => counter.holding === 1);
  await runner.end();
  counter.release();
  await (await stage.runner({ name, labels: { is: name } })).start();
  expect(await stage.settled(sessionId)).toMatchObject([
    { outcome: 'completed', result: { counted: 2 } },
  ]);
});

test.each([
  ['and is heard of again before that', true],
  ['at once', false],
])(
  'a runner that is forgotten while it executes calls finishes and delivers them, %s',
  async (_, isBack) => {
    const name = uniqueName('forgotten');
    const runner = await (await stage.runner({ name })).start();
    const { counter, product } = stage;
    counter.holdAgain();
    const tools = ['count_keyed', 'count_never_retry'];
    product.models.script({
      toolCalls: tools.map((tool) => ({ name: tool, arguments: { hold: true } })),
    });
    const sessionId = await stage.ask({ name }, 'none{}');
    await runner.until(() => counter.holding === 2);
    await forget(name);
    // It renews its claims.
    if (isBack)
      await eventually(
        () => registered(name),
        (id) => id !== undefined,
      );
    counter.release();
    const settled = await stage.settled(sessionId);
    const done = { outcome: 'completed', result: { counted: 1 } };
    expect(settled).toMatchObject([done, done]);
    expect(await registered(name)).toBeDefined();
  },
);
