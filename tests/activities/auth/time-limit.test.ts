// A provider that takes a request and never answers it.
import { ApplicationFailure } from '@temporalio/common';
import { MockActivityEnvironment } from '@temporalio/testing';
import { expect, test, vi } from 'vitest';
import { createAuthenticate } from '../../../activities/auth/authenticate.ts';
import { POLICIES } from '../../../contracts/policies.ts';
import { createLog } from '../../../telemetry/log.ts';
import { startKeyServer } from '../../support/key-server.ts';
import { authStage } from './stage.ts';

const KEY = 'provider-key-0001';

test('is given up before the attempt is over for Temporal: a slow provider is an answer, and counts as an outage', async () => {
  await using server = await startKeyServer(KEY);
  await using stage = await authStage({
    providers: { gateway: { kind: 'openai', baseUrl: server.url, apiKeyEnv: 'MY_KEY' } },
    credentials: {},
    secrets: { MY_KEY: KEY },
  });
  server.hold();
  const authenticate = createAuthenticate({
    authenticator: stage.worker(),
    policy: POLICIES.authenticate,
    log: createLog({ level: 'silent', service: 'test' }),
  });
  // The attempt's own clock, sixty times as fast.
  const timeout = AbortSignal.timeout.bind(AbortSignal);
  const clock = vi.spyOn(AbortSignal, 'timeout').mockImplementation((ms) => timeout(ms / 60));
  using _ = { [Symbol.dispose]: () => clock.mockRestore() };
  const { attemptMs: startToCloseTimeoutMs } = POLICIES.authenticate;
  const environment = new MockActivityEnvironment({ startToCloseTimeoutMs });
  const failure: unknown = await environment
    .run(authenticate, { credential: 'gateway' })
    .catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(ApplicationFailure);
  expect(failure).toMatchObject({
    type: 'timeout',
    nonRetryable: false,
    details: [[{ number: 1, kind: 'timeout', reason: 'no answer in time' }]],
  });
  expect(clock.mock.calls).toEqual([[28_500]]);
  expect(server.requests).toHaveLength(1);
  expect(await stage.journal.breakers.list()).toMatchObject([
    { key: 'auth:gateway', state: 'closed', failures: 1 },
  ]);
});
