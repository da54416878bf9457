import { Client, Connection } from '@temporalio/client';
import { expect, test } from 'vitest';
import { newId } from '../../contracts/ids.ts';
import { PerdureError } from '../../contracts/perdure-error.ts';
import type { Journal } from '../../journal/port.ts';
import { eventually, startFixture } from './support/fixture.ts';

/** A journal that can be unplugged. */
function unpluggable() {
  let down = false;
  const guarded = <T extends object>(part: T): T =>
    new Proxy(part, {
      get(target, name, receiver) {
        const value: unknown = Reflect.get(target, name, receiver);
        if (typeof value === 'object' && value !== null) return guarded(value);
        if (typeof value !== 'function') return value;
        return (...args: unknown[]) => {
          if (down) return Promise.reject(new PerdureError('journal_unavailable', 'unplugged'));
          return (value as (...all: unknown[]) => unknown).apply(target, args);
        };
      },
    });
  return {
    wrap: (journal: Journal) => guarded(journal),
    unplug: () => void (down = true),
    plug: () => void (down = false),
  };
}

test('without the journal a start is refused, a message to a session seen lately still goes through, and it all recovers', async () => {
  const plug = unpluggable();
  await using product = await startFixture({
    worker: true,
    wrap: plug.wrap,
    settings: { api: { requireKey: true } },
  });
  const key = await product.key('acme', 'ann');
  const { sessionId } = (await product.send('POST', '/api/sessions', { key, body: {} })).body;
  plug.unplug();
  const refused = await product.send('POST', '/api/sessions', { key, body: {} });
  expect([refused.status, refused.body.code, refused.body['retryable']]).toEqual([
    503,
    'journal_unavailable',
    true,
  ]);
  const sent = await product.send('POST', `/api/sessions/${sessionId}/messages`, {
    key,
    body: { content: 'hi' },
  });
  expect(sent.status).toBe(202);
  const ready = await eventually(
    () => product.send('GET', '/readyz'),
    ({ body }) => body['temporal'] === 'ok',
  );
  expect([ready.status, ready.body['journal']]).toEqual([503, 'journal_unavailable']);
  expect((await product.send('GET', '/healthz')).status).toBe(200);
  plug.plug();
  await eventually(
    () => product.send('GET', `/api/sessions/${sessionId}`, { key }),
    ({ body }) => body['turns'] === 1,
  );
});

test('a session that was told to stop is not kept for a journal that goes away', async () => {
  const plug = unpluggable();
  await using product = await startFixture({ wrap: plug.wrap });
  const start = async () => (await product.send('POST', '/api/sessions', { body: {} })).body;
  const [open, stopped] = [await start(), await start()];
  await product.send('POST', `/api/sessions/${stopped.sessionId}/stop`, { body: {} });
  plug.unplug();
  const send = ({ sessionId }: { sessionId?: string }) =>
    product.send('POST', `/api/sessions/${sessionId}/messages`, { body: { content: 'hi' } });
  expect((await send(open)).status).toBe(202);
  expect((await send(stopped)).body.code).toBe('journal_unavailable');
});

test('without Temporal a command is answered engine_unavailable, and reads go on', async () => {
  const connection = Connection.lazy({ address: '127.0.0.1:1' });
  await using product = await startFixture({ temporalClient: new Client({ connection }) });
  const refused = await product.send('POST', '/api/sessions', { body: {} });
  expect([refused.status, refused.body.code]).toEqual([503, 'engine_unavailable']);
  const { items } = (await product.send('GET', '/api/sessions')).body;
  expect(items).toHaveLength(1);
  const shown = await product.send('GET', `/api/sessions/${items[0]!.sessionId}?live=true`);
  expect(shown.body).toMatchObject({ state: 'starting', liveError: { retryable: true } });
  expect((await product.send('GET', '/readyz')).body).toMatchObject({
    temporal: 'engine_unavailable',
  });
  await connection.close();
});

test('without a worker an update is answered worker_unavailable, ?live=true falls back and says so, and messages are taken', async () => {
  await using product = await startFixture({ settings: { timeouts: { updateMs: 500 } } });
  const { sessionId } = (await product.send('POST', '/api/sessions', { body: {} })).body;
  const edit = await product.send('PATCH', `/api/sessions/${sessionId}/queue`, {
    body: { edit: { action: 'remove', messageId: newId('msg') } },
  });
  expect([edit.status, edit.body.code]).toEqual([503, 'worker_unavailable']);
  const shown = await product.send('GET', `/api/sessions/${sessionId}?live=true`);
  expect(shown.body).toMatchObject({
    state: 'starting',
    liveError: { code: 'worker_unavailable' },
  });
  const sent = await product.send('POST', `/api/sessions/${sessionId}/messages?wait=100ms`, {
    body: { content: 'x' },
  });
  expect(sent.status).toBe(202);
});

test('a result whose signal was lost reaches the session by the sweeper', async () => {
  await using product = await startFixture({ worker: true });
  const { sessionId } = (
    await product.send('POST', '/api/sessions', {
      body: { agent: 'asker', message: 'call=ask{"question":"x"}' },
    })
  ).body;
  const pending = await eventually(
    () => product.journal.ledger.pending({ tenant: 'local' }, 10),
    (calls) => calls.length === 1,
  );
  // As an API does that dies between the two.
  await product.journal.ledger.answer(pending[0]!.callId, { outcome: 'completed', result: 'lost' });
  await eventually(
    () => product.send('GET', `/api/sessions/${sessionId}`),
    ({ body }) => body['state'] === 'waiting',
  );
});

test('a port that is taken stops the start and names the port', async () => {
  await using product = await startFixture();
  const { startApi } = await import('../../api/server.ts');
  const { pino } = await import('pino');
  const { Registry } = await import('prom-client');
  const port = Number(new URL(product.url).port);
  await expect(
    startApi({
      settings: { ...product.settings, api: { ...product.settings.api, port } },
      journal: product.journal,
      temporalClient: product.temporal.client,
      catalogue: product.settings.catalogue,
      log: pino({ level: 'silent' }),
      metrics: new Registry(),
    }),
  ).rejects.toThrow(String(port));
});
