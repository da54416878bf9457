// Operators look at credentials and check them; the check runs in a worker, and is audited.
import { expect, test } from 'vitest';
import { startKeyServer } from '../support/key-server.ts';
import { startFixture } from './support/fixture.ts';

const KEY = 'the-key-of-the-gateway';

test('credentials are listed and checked by operators, a worker signs in, and the audit tells who asked', async () => {
  await using provider = await startKeyServer(KEY);
  const credential = { strategy: 'api-key', provider: 'gateway', apiKeyEnv: 'GATEWAY' } as const;
  await using product = await startFixture({
    worker: true,
    secrets: { GATEWAY: KEY, WRONG: 'another-key' },
    settings: {
      providers: { gateway: { kind: 'openai-compatible', baseUrl: provider.url } },
      credentials: { good: credential, bad: { ...credential, apiKeyEnv: 'WRONG' } },
    },
  });
  const operator = await product.key('local', 'olga', 'operator');
  const check = (name: string, key = operator) =>
    product.send('POST', `/api/credentials/${name}/check`, { key, body: {} });

  const listed = await product.send('GET', '/api/credentials', { key: operator });
  expect(listed.body).toMatchObject({
    credentials: [
      { name: 'good', strategy: 'api-key', usedBy: [], stored: null },
      { name: 'bad', strategy: 'api-key' },
    ],
    breakers: [],
  });

  const good = await check('good');
  expect(good.status).toBe(200);
  expect(good.body).toMatchObject({ outcome: 'succeeded', attempts: [{ kind: 'succeeded' }] });
  const bad = await check('bad');
  expect(bad.body).toMatchObject({
    outcome: 'failed',
    error: { code: 'auth_failed' },
    attempts: [{ number: 1, kind: 'invalid_credentials' }],
  });
  expect((await check('nobody')).body).toMatchObject({ code: 'not_found' });

  const user = await product.key('local', 'ann');
  expect((await check('good', user)).body).toMatchObject({ code: 'forbidden' });
  const audit = await product.send('GET', '/api/audit', { key: operator });
  const actions = audit.body.items.map(({ action, subject, user: who }) => [action, subject, who]);
  expect(actions).toEqual(
    expect.arrayContaining([
      ['credential.checked', 'good', 'olga'],
      ['credential.accepted', 'good', null],
      ['credential.refused', 'bad', null],
    ]),
  );
  for (const answer of [good, bad, audit, listed])
    for (const secret of [KEY, 'another-key'])
      expect(JSON.stringify(answer.body)).not.toContain(secret);
});
