// What may happen between a call and its result, with runners in processes of their own and a server outside that counts.
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { createPerdureClient } from '../../client/index.ts';
import { eventually, uniqueName } from '../api/support/fixture.ts';
import { openRunnerStage, type RunnerStage } from './support/stage.ts';

vi.setConfig({ testTimeout: 240_000 });

let stage: RunnerStage;
beforeAll(async () => {
  stage = await openRunnerStage({ timeouts: { toolLeaseMs: 3_000 } });
});
afterAll(() => stage[Symbol.asyncDispose]());

test('a call that was made while its runner was away runs when it is back, once, through a restart of the API and with a wrong clock', async () => {
  const name = uniqueName('away');
  const { product, counter, proxy } = stage;
  // A day behind.
  const runner = await (await stage.runner({ name, skewMs: -86_400_000 })).start();
  await runner.end('SIGTERM');
  const sessionId = await stage.ask({ name }, 'count_never_retry{}');
  await eventually(
    () => stage.events(sessionId),
    (events) => events.some(({ type }) => type === 'tool.requested'),
  );
  const before = counter.total;
  await product.restartApi();
  proxy.target = product.url;
  await runner.start();
  expect(await stage.settled(sessionId)).toMatchObject([{ outcome: 'completed' }]);
  // The stream breaks under a runner that is there, too.
  await product.restartApi();
  proxy.target = product.url;
  const next = await stage.ask({ name }, 'count_never_retry{}');
  expect(await stage.settled(next)).toMatchObject([{ outcome: 'completed' }]);
  expect(counter.total - before).toBe(2);
});

test('of two runners that race for fifty calls each call is executed once', async () => {
  const labels = { race: uniqueName('race') };
  const racers = await Promise.all(
    ['one', 'two'].map(async () => (await stage.runner({ labels })).start()),
  );
  const before = stage.counter.total;
  const call = { name: 'count_never_retry', arguments: {} };
  stage.product.models.script({ toolCalls: Array.from({ length: 50 }, () => call) });
  const sessionId = await stage.ask({ labels }, 'none{}');
  const settled = await stage.settled(sessionId);
  expect(settled).toHaveLength(50);
  for (const one of settled)
    expect(one).toMatchObject({ outcome: 'completed', result: { counted: 1 } });
  expect(stage.counter.total - before).toBe(50);
  const executed = racers.map((racer) => racer.said('started').length);
  expect(executed[0]! + executed[1]!).toBe(50);
});

test('a read call whose runner is frozen past its lease goes to another one, and the late result is dropped', async () => {
  const labels = { freeze: uniqueName('freeze') };
  const frozen = await (await stage.runner({ labels })).start();
  const { counter } = stage;
  counter.holdAgain();
  const before = counter.total;
  const sessionId = await stage.ask({ labels }, 'count_read{"hold":true}');
  await frozen.until(() => counter.total > before);
  frozen.signal('SIGSTOP');
  counter.release();
  const other = await (await stage.runner({ labels })).start();
  expect(await stage.settled(sessionId)).toMatchObject([
    { outcome: 'completed', result: { counted: 2 } },
  ]);
  frozen.signal('SIGCONT');
  await frozen.until(() => frozen.said('dropped').length > 0);
  expect(other.said('delivered')).toHaveLength(1);
  expect(frozen.said('delivered')).toHaveLength(0);
  expect(await stage.settled(sessionId)).toHaveLength(1);
});

test.each([
  ['read', ''],
  ['keyed', ' It may or may not have taken effect.'],
])('a %s call that three runners died of is given to no fourth', async (effect, doubt) => {
  const labels = { deadly: uniqueName('deadly') };
  const { counter } = stage;
  counter.holdAgain();
  const before = counter.total;
  let runner = await (await stage.runner({ labels })).start();
  const sessionId = await stage.ask({ labels }, `count_${effect}{"hold":true}`);
  for (const nth of [1, 2, 3]) {
    if (nth > 1) runner = await (await stage.runner({ labels })).start();
    await runner.until(() => counter.total - before === nth);
    await runner.end();
  }
  const fourth = await (await stage.runner({ labels })).start();
  const message = `count_${effect} was claimed 3 times, and each runner went away without a result: it is given to no other.${doubt}`;
  expect(await stage.settled(sessionId)).toMatchObject([
    { outcome: 'failed', error: { code: 'runner_lost', message } },
  ]);
  expect(fourth.said('started')).toEqual([]);
  expect(counter.total - before).toBe(3);
});

test('how far a tool is reaches those who read the session as it comes', async () => {
  const name = uniqueName('progress');
  await (await stage.runner({ name })).start();
  const { counter, product } = stage;
  counter.holdAgain();
  const sessionId = await stage.ask({ name }, 'count_never_retry{"hold":true}');
  using client = createPerdureClient({ url: product.url });
  const seen: string[] = [];
  for await (const event of client.session(sessionId).events({ after: 0 })) {
    if (event.type.startsWith('tool.')) seen.push(event.type);
    if (event.type === 'tool.progress') {
      expect(event.data).toMatchObject({ message: 'counting', fraction: 0.5 });
      // It holds until it was seen.
      counter.release();
    }
    if (event.type === 'turn.settled') break;
  }
  expect(seen).toEqual(['tool.requested', 'tool.started', 'tool.progress', 'tool.settled']);
});

test('a runner is told that its session was stopped, and aborts the tool', async () => {
  const name = uniqueName('stopped');
  const runner = await (await stage.runner({ name })).start();
  const { counter, product } = stage;
  counter.holdAgain();
  const before = counter.total;
  const sessionId = await stage.ask({ name }, 'count_never_retry{"hold":true}');
  await runner.until(() => counter.total > before);
  await product.send('POST', `/api/sessions/${sessionId}/stop`);
  expect(await stage.settled(sessionId)).toMatchObject([{ outcome: 'interrupted' }]);
  // It holds still, so that only the abort ends it.
  await runner.until(() => runner.said('dropped').length > 0);
  expect(await runner.end('SIGTERM')).toBe(0);
});

/** Whether the API says that the runner is there. */
async function isOnline(name: string): Promise<boolean | undefined> {
  const { body } = await stage.product.send('GET', '/api/runners');
  const all = body['runners'] as { name: string; online: boolean }[];
  return all.find((runner) => runner.name === name)?.online;
}

test('a runner that is stopped is away at once, while it finishes its call; a restart of the API does not make it so', async () => {
  const name = uniqueName('leaving');
  const runner = await (await stage.runner({ name })).start();
  const { counter, product, proxy } = stage;
  await product.restartApi();
  proxy.target = product.url;
  expect(await isOnline(name)).toBe(true);
  counter.holdAgain();
  const before = counter.total;
  const sessionId = await stage.ask({ name }, 'count_never_retry{"hold":true}');
  await runner.until(() => counter.total > before);
  runner.signal('SIGTERM');
  await eventually(
    () => isOnline(name),
    (online) => online === false,
  );
  counter.release();
  expect(await stage.settled(sessionId)).toMatchObject([{ outcome: 'completed' }]);
  expect(await runner.ended()).toBe(0);
  expect(await isOnline(name)).toBe(false);
  await runner.start();
  expect(await isOnline(name)).toBe(true);
});

test('a runner whose goodbye nobody answers ends all the same', async () => {
  const name = uniqueName('unheard');
  const runner = await (await stage.runner({ name })).start();
  const reached = stage.proxy.hold('runner.leave', 'request');
  runner.signal('SIGTERM');
  await reached;
  expect(await runner.ended()).toBe(0);
  stage.proxy.release();
});

test('a large result is uploaded and previewed; one that no artifact holds is a failure that the model reads', async () => {
  const name = uniqueName('big');
  await (await stage.runner({ name })).start();
  const bytes = 3_000_000;
  const large = await stage.settled(await stage.ask({ name }, `big{"bytes":${bytes}}`));
  expect(large).toMatchObject([
    { outcome: 'completed', artifact: { bytes }, result: expect.stringContaining('left out') },
  ]);
  const tooLarge = await stage.settled(await stage.ask({ name }, 'big{"bytes":50000000}'));
  expect(tooLarge).toMatchObject([
    { outcome: 'failed', error: { message: expect.stringMatching(/50000000 bytes, and at most/) } },
  ]);
});
