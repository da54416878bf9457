/** Who finds a change of keys in the audit. */
import { expect, test } from 'vitest';
import { startFixture } from './support/fixture.ts';

test("a tenant's operators find what was done to its keys, also by an operator of the installation, who is named in full", async () => {
  await using product = await startFixture();
  const operator = await product.key('acme', 'olga', 'operator');
  const make = (key?: string) =>
    product.send('POST', '/api/keys', { key, body: { user: 'ann', tenant: 'acme' } });
  const { keyId: foreign } = (await make()).body;
  const own = (await make(operator)).body['keyId'] as string;
  await product.send('DELETE', `/api/keys/${own}`);
  const entry = (action: string, subject: unknown, by?: string) => ({
    ...{ tenant: 'acme', action, subject, user: by === undefined ? 'olga' : null },
    details: expect.objectContaining(by === undefined ? {} : { by }),
  });
  const audit = async (key?: string) =>
    (await product.send('GET', '/api/audit', { key })).body.items.filter(
      ({ action }) => action !== 'auth.accepted',
    );
  expect(await audit(operator)).toMatchObject([
    entry('key.revoked', own, 'local/local'),
    entry('key.created', own),
    entry('key.created', foreign, 'local/local'),
  ]);
  expect(await audit()).toEqual([]);
});
