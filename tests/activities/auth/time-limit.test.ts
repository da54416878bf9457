// A provider that takes a request and never answers it.
import { ApplicationFailure } from '@temporalio/common';
import { MockActivityEnvironment } from '@temporalio/testing';
import { expect, test } from 'vitest';
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
  // Of the policy it is 30 s, which tests/workflows/authentication.test.ts reads from a history.
  const environment = new MockActivityEnvironment({ startToCloseTimeoutMs: 500 });
  const failure: unknown = await environment
    .run(authenticate, { credential: 'gateway' })
    .catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(ApplicationFailure);
  expect(failure).toMatchObject({
    type: 'timeout',
    nonRetryable: false,
    details: [[{ number: 1, kind: 'timeout', reason: 'no answer in time' }]],
  });
  expect(server.requests).toHaveLength(1);
  expect(await stage.journal.breakers.list()).toMatchObject([
    { key: 'auth:gateway', state: 'closed', failures: 1 },
  ]);
});
