import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { DIALECTS, eventually, startFixture, type Fixture } from './support/fixture.ts';
import { overHttp } from './support/trpc.ts';

describe.each(DIALECTS)('with a journal on %s', (dialect) => {
  let product: Fixture;
  beforeAll(async () => {
    product = await startFixture({
      dialect,
      settings: {
        api: {
          maxConnections: 3,
          maxConnectionsPerUser: 2,
          maxSessionsPerTenant: 4,
          maxMessageBytes: 2_000,
          requestsPerMinute: 40,
        },
      },
    });
  });
  afterAll(() => product[Symbol.asyncDispose]());

  async function openStream(key: string, sessionId: string) {
    const stop = new AbortController();
    const response = await fetch(`${product.url}/api/sessions/${sessionId}/events`, {
      headers: { accept: 'text/event-stream', authorization: `Bearer ${key}` },
      signal: stop.signal,
    });
    const body = response.ok ? undefined : ((await response.json()) as { code: string });
    return {
      status: response.status,
      code: body?.code,
      headers: response.headers,
      close: () => stop.abort(),
    };
  }

  const startAs = async (key: string) =>
    (await product.send('POST', '/api/sessions', { key, body: {} })).body.sessionId;

  test('open streams are limited for a user and for the server, and freed when they end', async () => {
    const [ann, bob] = [await product.key('one', 'ann'), await product.key('two', 'bob')];
    const [hers, his] = [await startAs(ann), await startAs(bob)];
    const held = [await openStream(ann, hers), await openStream(ann, hers)];
    const third = await openStream(ann, hers);
    expect([third.status, third.code]).toEqual([429, 'too_many_connections']);
    expect(Number(third.headers.get('retry-after'))).toBeGreaterThan(0);
    held.push(await openStream(bob, his));
    const fourth = await openStream(bob, his);
    expect(fourth.code).toBe('too_many_connections');
    for (const stream of held) stream.close();
    // Asking again and again would be one request too many before long.
    await eventually(
      () => product.registry.metrics(),
      (text) => /perdure_open_streams 0/.test(text),
    );
    const again = await openStream(ann, hers);
    expect(again.status).toBe(200);
    again.close();
  });

  test('a tenant may have so many open sessions and no more; others are not held up', async () => {
    const [cat, dan] = [await product.key('three', 'cat'), await product.key('four', 'dan')];
    for (let index = 0; index < 4; index += 1) await startAs(cat);
    const refused = await product.send('POST', '/api/sessions', { key: cat, body: {} });
    expect([refused.status, refused.body.code]).toEqual([429, 'rate_limited']);
    expect(refused.body.detail).toContain('api.maxSessionsPerTenant');
    expect(await startAs(dan)).toMatch(/^ses_/);
  });

  test('a message over the configured size is refused with payload_too_large', async () => {
    const eve = await product.key('five', 'eve');
    const sessionId = await startAs(eve);
    const refused = await product.send('POST', `/api/sessions/${sessionId}/messages`, {
      key: eve,
      body: { content: 'ü'.repeat(1_001) },
    });
    expect([refused.status, refused.body.code]).toEqual([413, 'payload_too_large']);
    const started = await product.send('POST', '/api/sessions', {
      key: eve,
      body: { message: 'x'.repeat(2_001) },
    });
    expect(started.status).toBe(413);
  });

  test('more requests a minute than allowed are answered 429 with Retry-After, over REST and tRPC, for that user alone', async () => {
    const [fay, gil] = [await product.key('six', 'fay'), await product.key('six', 'gil')];
    for (let index = 0; index < 40; index += 1)
      await product.send('GET', '/api/agents', { key: fay });
    const refused = await product.send('GET', '/api/agents', { key: fay });
    expect([refused.status, refused.body.code, refused.body['retryable']]).toEqual([
      429,
      'rate_limited',
      true,
    ]);
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    const trpc = await fetch(`${product.url}/trpc/agent.list`, {
      headers: { authorization: `Bearer ${fay}` },
    });
    expect([trpc.status, Number(trpc.headers.get('retry-after')) > 0]).toEqual([429, true]);
    await expect(overHttp(product.url, fay).agent.list.query()).rejects.toMatchObject({
      data: { code: 'rate_limited', httpStatus: 429 },
    });
    expect((await product.send('GET', '/api/agents', { key: gil })).status).toBe(200);
  });
});
