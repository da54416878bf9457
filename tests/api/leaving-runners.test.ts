// A runner that says goodbye, over real HTTP: who is told that it is away, since when, and by whose word.
import { expect, test } from 'vitest';
import { createPerdureClient } from '../../client/index.ts';
import type { RunnerClient } from '../../client/index.ts';
import { newId } from '../../contracts/ids.ts';
import type { RunnerId } from '../../contracts/ids.ts';
import { openCalls, OWNER, toolCall } from '../journal/support/facts.ts';
import { startFixture } from './support/fixture.ts';

const NAME = 'leaver';
const DONE = { status: 'completed', result: 'found' } as const;
const TOOL = {
  name: 'look_up',
  description: 'Looks up.',
  inputSchema: { type: 'object' as const },
};

/** Until it hears of its first call. */
async function listen(runner: RunnerClient, runnerId: RunnerId): Promise<void> {
  const stop = new AbortController();
  for await (const _ of runner.news(runnerId, { signal: stop.signal })) stop.abort();
}

test('a runner that leaves is away at once and stays registered; its claimed call is still its own, and a sign of life takes it back', async () => {
  await using product = await startFixture({ settings: { api: { requireKey: true } } });
  const key = await product.key(OWNER.tenant, OWNER.user, 'runner');
  using client = createPerdureClient({ url: product.url, key });
  const process = () =>
    client.runner({
      ...{ name: NAME, labels: {}, workdir: '/w', version: '1', instance: newId('run') },
      tools: [{ ...TOOL, effect: 'read' }],
    });
  const online = async () => (await client.runners.list()).map((runner) => runner.online);
  const first = process();
  const { runnerId } = await first.register();
  const [held, waiting] = ['held', 'waiting'].map(() =>
    toolCall({ mode: 'remote', effect: 'read', runner: { name: NAME } }),
  );
  await openCalls(product.journal, held!, waiting!);
  await first.claim(runnerId, held!.callId);
  expect(await online()).toEqual([true]);

  for (const stranger of [
    await product.key(OWNER.tenant, 'bob', 'runner'),
    await product.key(OWNER.tenant, 'olga', 'operator'),
  ]) {
    const body = { instance: first.instance };
    const path = `/api/runners/${runnerId}/leave`;
    const refused = await product.send('POST', path, { key: stranger, body });
    expect(refused.body.code).toBe('not_found');
  }
  expect(await online()).toEqual([true]);
  for (const _ of ['once', 'and where the answer was lost']) await first.leave(runnerId);
  expect(await online()).toEqual([false]);

  // It goes on with what it has.
  expect(await first.claim(runnerId, held!.callId)).toBeDefined();
  await first.answer(runnerId, { callId: held!.callId, outcome: DONE });
  expect(await online()).toEqual([false]);

  await listen(first, runnerId);
  // A stream that ends is no goodbye: it may be back in a second.
  expect(await online()).toEqual([true]);

  const second = process();
  await second.register();
  await expect(first.leave(runnerId)).rejects.toMatchObject({ code: 'runner_replaced' });
  expect(await online()).toEqual([true]);
  await second.leave(runnerId);
  expect(await online()).toEqual([false]);
});
