// Who reads the figures of the API.
import { expect, test } from 'vitest';
import { startFixture } from './support/fixture.ts';

const FORWARDED = { 'x-forwarded-for': '10.0.0.1' };

test('where a key is asked for, the metrics are for operators; whether it lives and is ready is for everybody', async () => {
  await using product = await startFixture({ settings: { api: { requireKey: true } } });
  const scrape = (key?: string) => product.send('GET', '/metrics', { key });
  expect([(await scrape()).status, (await scrape()).body.code]).toEqual([401, 'unauthenticated']);
  for (const role of ['user', 'runner'] as const) {
    const refused = await scrape(await product.key('acme', 'ada', role));
    expect([refused.status, refused.body.code]).toEqual([403, 'forbidden']);
  }
  // A tenant of its own, in which there is nothing to see.
  const { status, body } = await scrape(await product.key('monitoring', 'prometheus', 'operator'));
  expect([status, body['text']]).toEqual([200, expect.stringContaining('perdure_open_streams')]);
  for (const path of ['/healthz', '/readyz'])
    expect((await product.send('GET', path)).status).toBe(200);
});

test('on loopback without keys the metrics are open, but not through a proxy', async () => {
  await using product = await startFixture();
  expect((await product.send('GET', '/metrics')).status).toBe(200);
  const through = await product.send('GET', '/metrics', { headers: FORWARDED });
  expect([through.status, through.body.code]).toEqual([401, 'unauthenticated']);
});

test('with api.metrics: open they ask nobody', async () => {
  await using product = await startFixture({
    settings: { api: { requireKey: true, metrics: 'open' } },
  });
  expect((await product.send('GET', '/metrics', { headers: FORWARDED })).status).toBe(200);
});
