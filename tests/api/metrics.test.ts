// Who reads the figures of the API.
import { Registry } from 'prom-client';
import { expect, test } from 'vitest';
import type { Journal } from '../../journal/port.ts';
import { openApprovals } from '../../api/sweeps/open-approvals.ts';
import type { ApiDeps } from '../../api/deps.ts';
import { createApiMetrics } from '../../api/metrics.ts';
import { eventually, startFixture } from './support/fixture.ts';

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

test('how many approvals are open, and for how long, is shown, and not shown while nobody knows', async () => {
  await using product = await startFixture({ worker: true });
  await product.send('POST', '/api/sessions', {
    body: { agent: 'careful', message: 'call=ask{"question":"why?"}' },
  });
  await eventually(
    () => product.send('GET', '/api/approvals'),
    ({ body }) => (body['approvals'] as unknown[]).length === 1,
  );
  const registry = new Registry();
  const metrics = createApiMetrics(registry);
  const look = (journal: Pick<Journal, 'approvals'>) =>
    openApprovals({ journal, metrics } as ApiDeps)();
  await look(product.journal);
  const shown = await registry.metrics();
  expect(shown).toMatch(/^perdure_open_approvals 1$/m);
  expect(shown).toMatch(/^perdure_oldest_open_approval_seconds [\d.]+$/m);
  const waiting = () => Promise.reject(new Error('away'));
  const gone = look({ approvals: { ...product.journal.approvals, waiting } });
  await expect(gone).rejects.toThrow('away');
  expect(await registry.metrics()).not.toMatch(/^perdure_(open|oldest_open)_approval/m);
});
