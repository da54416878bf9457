// The fleet's breaker as workers use it: whom it lets ask, and what of their failures it counts.
import { CancelledFailure } from '@temporalio/activity';
import { describe, expect, test } from 'vitest';
import type { Authenticator } from '../../../activities/auth/authenticator.ts';
import { startKeyServer } from '../../support/key-server.ts';
import { authStage } from './stage.ts';
import type { AuthStage } from './stage.ts';

const KEY = 'provider-key-0001';
/** Lets the time pass that it stays open. */
const PASSED = 'update breakers set opened_at = 1';

const hanging = { strategy: 'command', command: 'sleep', args: ['1000'], env: ['PATH'] };

const stageOf = (url: string): Promise<AuthStage> =>
  authStage({
    providers: { gateway: { kind: 'openai-compatible', baseUrl: url } },
    credentials: {
      key: { strategy: 'api-key', provider: 'gateway', apiKeyEnv: 'MY_KEY' },
      login: hanging,
    },
    secrets: { MY_KEY: KEY, PATH: process.env['PATH'] ?? '' },
  });

async function outcome(worker: Authenticator, name = 'key', signal = new AbortController().signal) {
  try {
    await worker.attempt(name, { signal });
    return 'succeeded';
  } catch (error) {
    return worker.verdict(name, error).kind;
  }
}

const stateOf = async ({ journal }: AuthStage): Promise<unknown> =>
  (await journal.breakers.list()).map(({ state, failures }) => [state, failures]);

async function openBreaker(stage: AuthStage, key: string): Promise<void> {
  const rules = { failuresToOpen: 1, openMs: 30_000, probeMs: 45_000 };
  await stage.journal.breakers.report(key, { outcome: 'outage' }, rules);
  await stage.database.execute(PASSED);
}

test('five failures in a row open it, not four, whichever workers meet them; then nobody asks', async () => {
  await using server = await startKeyServer(KEY);
  await using stage = await stageOf(server.url);
  const workers = [stage.worker(), stage.worker()];
  server.always = 503;
  for (const failure of [1, 2, 3, 4]) {
    expect(await outcome(workers[failure % 2]!)).toBe('provider_error');
    expect(await stateOf(stage)).toEqual([['closed', failure]]);
  }
  expect(await outcome(workers[0]!)).toBe('provider_error');
  expect(await stateOf(stage)).toEqual([['open', 5]]);
  for (const worker of workers) expect(await outcome(worker)).toBe('circuit_open');
  expect(server.requests).toHaveLength(5);
});

test('half-open, one of two workers that ask at once goes', async () => {
  await using server = await startKeyServer(KEY);
  await using stage = await stageOf(server.url);
  await openBreaker(stage, 'auth:gateway');
  const asked = server.hold();
  const outcomes = [stage.worker(), stage.worker()].map((worker) => outcome(worker));
  expect(await Promise.race(outcomes)).toBe('circuit_open');
  asked.release();
  expect((await Promise.all(outcomes)).toSorted()).toEqual(['circuit_open', 'succeeded']);
  expect(server.requests).toHaveLength(1);
  expect(await stateOf(stage)).toEqual([['closed', 0]]);
});

describe('an attempt whose worker goes away', () => {
  const CASES = [
    ['key', 'auth:gateway'],
    ['login', 'auth:command:sleep'],
  ] as const;

  test.each(CASES)(
    'says nothing about the provider (%s), and gives the place of the probe back',
    async (name, breaker) => {
      await using server = await startKeyServer(KEY);
      await using stage = await stageOf(server.url);
      await openBreaker(stage, breaker);
      server.hold();
      const worker = stage.worker();
      const leaving = new AbortController();
      const attempt = outcome(worker, name, leaving.signal);
      await expect.poll(() => stateOf(stage)).toEqual([['half_open', 1]]);
      leaving.abort(new CancelledFailure('WORKER_SHUTDOWN'));
      await attempt;
      expect(await stateOf(stage)).toEqual([['half_open', 1]]);
      const rules = { failuresToOpen: 1, openMs: 30_000, probeMs: 45_000 };
      expect(await stage.journal.breakers.admit(breaker, rules)).toMatchObject({ admitted: true });
      const audited = await stage.journal.audit.list({}, { limit: 10 });
      expect(audited.items).toEqual([]);
    },
  );

  test.each(CASES)('is not one whose time is over (%s)', async (name, breaker) => {
    await using server = await startKeyServer(KEY);
    await using stage = await stageOf(server.url);
    await openBreaker(stage, breaker);
    server.hold();
    const late = new AbortController();
    const attempt = outcome(stage.worker(), name, late.signal);
    await expect.poll(() => stateOf(stage)).toEqual([['half_open', 1]]);
    late.abort(new DOMException('late', 'TimeoutError'));
    expect(await attempt).toBe('timeout');
    expect(await stateOf(stage)).toEqual([['open', 2]]);
  });
});
