import { expect, test } from 'vitest';
import { createPerdureClient } from '../../client/index.ts';
import { newId } from '../../contracts/ids.ts';
import { startFixture } from '../api/support/fixture.ts';
import { openCalls, OWNER, toolCall } from '../journal/support/facts.ts';

test('where something on the way swallows streams, a runner hears of its calls by polling', async () => {
  await using product = await startFixture({ settings: { api: { requireKey: true } } });
  const key = await product.key(OWNER.tenant, OWNER.user, 'runner');
  const swallowing: typeof fetch = (input, init) =>
    new Headers(init?.headers).get('accept') === 'text/event-stream'
      ? new Promise((_, reject) => {
          init?.signal?.addEventListener('abort', () => reject(init.signal?.reason as Error));
        })
      : fetch(input, init);
  using client = createPerdureClient({ url: product.url, key, fetch: swallowing });
  const tool = { name: 'look_up', description: 'x', inputSchema: { type: 'object' as const } };
  const runner = client.runner({
    ...{ name: 'walled', labels: {}, workdir: '/w', version: '1', instance: newId('run') },
    tools: [{ ...tool, effect: 'keyed' }],
  });
  const { runnerId } = await runner.register();
  const call = toolCall({ mode: 'remote', runner: { name: 'walled' } });
  await openCalls(product.journal, call);
  const stop = new AbortController();
  const lost: string[] = [];
  const options = {
    signal: stop.signal,
    silenceMs: 50,
    retryDelay: () => 1,
    onConnection: ({ type }: { type: string }) => void lost.push(type),
  };
  for await (const news of runner.news(runnerId, options)) {
    expect(news).toMatchObject({ type: 'offer', action: { invocation: { callId: call.callId } } });
    stop.abort();
  }
  expect(lost).toEqual(['lost', 'lost', 'resumed']);
});
