import { fileURLToPath } from 'node:url';
import { Worker } from '@temporalio/worker';
import { expect, test } from 'vitest';
import { testBundle } from '../support/bundle.ts';
import { timeSkippingEnv } from '../support/time-skipping.ts';

const workflowsPath = fileURLToPath(new URL('./workflows/sleeper.ts', import.meta.url));
const HOUR_MS = 3_600_000;

test('the time-skipping server skips an hour', async () => {
  await using skipping = await timeSkippingEnv();
  const { client, nativeConnection: connection } = skipping.env;
  const workflowBundle = await testBundle(workflowsPath);
  const worker = await Worker.create({ connection, taskQueue: 'sleep', workflowBundle });
  const started = Date.now();
  const slept = await worker.runUntil(
    client.workflow.execute('sleeper', {
      taskQueue: 'sleep',
      workflowId: 'sleeper',
      args: [HOUR_MS],
    }),
  );
  expect(slept).toBeGreaterThanOrEqual(HOUR_MS);
  expect(Date.now() - started).toBeLessThan(HOUR_MS);
});
