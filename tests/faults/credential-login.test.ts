// A person takes their time to sign in; meanwhile an API and a worker of the fleet are gone for good.
import { randomBytes } from 'node:crypto';
import { expect, test, vi } from 'vitest';
import { startCluster } from '../support/cluster.ts';
import { postgresDatabase } from '../support/database.ts';
import { DEVICE_CLIENT, DEVICE_SECRETS, startDeviceServer } from '../support/device-server.ts';

vi.setConfig({ testTimeout: 480_000 });

interface Login {
  readonly loginId: string;
  readonly state: string;
  readonly code: { readonly userCode: string };
}

const answer = async (url: string, init?: RequestInit): Promise<Login> => {
  const headers = { 'content-type': 'application/json' };
  const response = await fetch(url, { ...init, headers });
  return (await response.json()) as Login;
};

test('a login that was begun at an API and in a worker that were killed is finished by the others', async () => {
  await using server = await startDeviceServer();
  await using database = await postgresDatabase();
  await using cluster = await startCluster({
    ...{ postgresUrl: database.url, apis: 2, workers: 1 },
    env: { ...DEVICE_SECRETS, PERDURE_SECRET_KEY: randomBytes(32).toString('base64') },
    settings: {
      credentials: {
        person: { strategy: 'oauth2-refresh', issuer: server.issuer, ...DEVICE_CLIENT },
      },
    },
  });
  const [first, second] = cluster.urls.map((url) => `${url}/api/credentials/person/login`);
  const { loginId, code } = await answer(first!, { method: 'POST', body: '{}' });
  await expect.poll(() => server.answers, { timeout: 60_000 }).toContain('authorization_pending');
  await cluster.apis[0]!.kill();
  await cluster.workers[0]!.kill();
  await cluster.addWorker();
  const again = await answer(second!, { method: 'POST', body: '{}' });
  expect(again).toMatchObject({ loginId, code, state: 'waiting' });
  server.decide(code.userCode, 'approved');
  // Where the worker was killed while it asked, that is noticed after a while.
  const ended = await answer(`${second}/${loginId}?wait=120s`);
  expect(ended).toMatchObject({ loginId, state: 'succeeded' });
  expect(server.begun).toHaveLength(1);
});
