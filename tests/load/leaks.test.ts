import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test, vi } from 'vitest';
import { startFixture } from '../api/support/fixture.ts';
import type { Fixture } from '../api/support/fixture.ts';
import { startSession, watch, postJson } from '../support/watcher.ts';

vi.setConfig({ testTimeout: 240_000 });

const MANY = 100;

async function talk({ url }: Fixture, count: number): Promise<void> {
  for (let done = 0; done < count; done += 20)
    await Promise.all(
      Array.from({ length: Math.min(20, count - done) }, async () => {
        await using watcher = watch([url], await startSession(url));
        await watcher.settled(await watcher.send('tokens=5'));
        await postJson(`${url}/api/sessions/${watcher.sessionId}/stop`, {});
        await watcher.until('the end', (events) => events.at(-1)?.type === 'session.ended');
      }),
    );
}

/** How many of each kind keep this process alive. Not sockets: idle ones of `fetch` live on for their keep-alive time. */
function active(): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const kind of process.getActiveResourcesInfo())
    if (kind !== 'TCPSocketWrap') counts[kind] = (counts[kind] ?? 0) + 1;
  return counts;
}

const listeners = (): number =>
  process.eventNames().reduce((sum, name) => sum + process.listenerCount(name), 0);

test('API, worker and journal hold no more timers, handles and listeners after a hundred sessions than before', async () => {
  await using fixture = await startFixture({ worker: true });
  await talk(fixture, 10);
  await sleep(6_000);
  const before = active();
  const listenersBefore = listeners();

  await talk(fixture, MANY);

  const deadline = Date.now() + 60_000;
  const more = () =>
    Object.entries(active()).filter(([kind, count]) => count > (before[kind] ?? 0));
  while (more().length > 0 && Date.now() < deadline) await sleep(500);
  expect(more()).toEqual([]);
  expect(listeners()).toBe(listenersBefore);
  expect(await fixture.registry.getSingleMetricAsString('perdure_open_streams')).toMatch(/ 0$/m);
});
