// What operators are told of the sign-in breakers, which all workers share.
import { Registry } from 'prom-client';
import { expect, test } from 'vitest';
import type { ApiDeps } from '../../api/deps.ts';
import { createApiMetrics } from '../../api/metrics.ts';
import { signInCircuits } from '../../api/sweeps/sign-in-circuits.ts';
import { AUTH_BREAKER } from '../../contracts/authentication.ts';
import { credentialSchema } from '../../contracts/credentials.ts';
import type { Journal } from '../../journal/port.ts';
import { authStage } from '../activities/auth/stage.ts';
import { startKeyServer } from '../support/key-server.ts';

const KEY = 'provider-key-0001';
const good = { strategy: 'api-key', provider: 'gateway', apiKeyEnv: 'MY_KEY' } as const;

/** One API process: a registry, and a look at the journal. */
function api(journal: Pick<Journal, 'breakers'>, credentials: object = { good }) {
  const registry = new Registry();
  const metrics = createApiMetrics(registry);
  const settings = {
    credentials: Object.fromEntries(
      Object.entries(credentials).map(([name, each]) => [name, credentialSchema.parse(each)]),
    ),
  };
  const deps = { journal, metrics, settings, catalogue: { providers: {} } } as never as ApiDeps;
  const look = signInCircuits(deps);
  return async () => {
    await look();
    return shown(registry);
  };
}

const shown = async (registry: Registry): Promise<string[]> =>
  (await registry.metrics())
    .split('\n')
    .filter((line) => line.startsWith('perdure_sign_in_circuit_open'));

test('one worker opens a breaker and another closes it: each API shows what the journal has', async () => {
  await using server = await startKeyServer(KEY);
  await using stage = await authStage({
    providers: { gateway: { kind: 'openai-compatible', baseUrl: server.url } },
    credentials: { good },
    secrets: { MY_KEY: KEY },
  });
  const { signal } = new AbortController();
  const [one, another] = [stage.worker(), stage.worker()];
  const apis = [api(stage.journal), api(stage.journal)];
  const all = () => Promise.all(apis.map((look) => look()));
  server.always = 503;
  for (let failure = 0; failure < AUTH_BREAKER.failuresToOpen; failure++)
    await expect(one.attempt('good', { signal })).rejects.toThrow();
  const open = ['perdure_sign_in_circuit_open{provider="auth:gateway"} 1'];
  expect(await all()).toEqual([open, open]);
  server.always = undefined;
  await stage.database.execute('update breakers set opened_at = 1');
  await another.attempt('good', { signal });
  const closed = ['perdure_sign_in_circuit_open{provider="auth:gateway"} 0'];
  expect(await all()).toEqual([closed, closed]);
});

test('one of a credential that is configured no more is not shown, nor what nobody knows', async () => {
  await using stage = await authStage({ credentials: {} });
  const { breakers } = stage.journal;
  for (let failure = 0; failure < AUTH_BREAKER.failuresToOpen; failure++)
    await breakers.report('auth:gateway', { outcome: 'outage' }, AUTH_BREAKER);
  expect(await api(stage.journal, {})()).toEqual([]);
  let away = false;
  const list = () => (away ? Promise.reject(new Error('away')) : breakers.list());
  const registry = new Registry();
  const metrics = createApiMetrics(registry);
  const look = signInCircuits({
    ...{ journal: { breakers: { ...breakers, list } }, metrics },
    ...{ settings: { credentials: { good: credentialSchema.parse(good) } } },
    catalogue: { providers: {} },
  } as never);
  await look();
  expect(await shown(registry)).toHaveLength(1);
  away = true;
  await expect(look()).rejects.toThrow('away');
  expect(await shown(registry)).toEqual([]);
});
