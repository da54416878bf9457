// Mission D2, with real workers, a real provider over HTTP and skipped time.
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { AUTH_BREAKER } from '../../contracts/authentication.ts';
import { startKeyServer, type KeyServer } from '../support/key-server.ts';
import { startAuthKit, type AuthKit } from './support/auth-kit.ts';
import type { WorkflowHandle } from '@temporalio/client';

vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 });

const KEY = 'key-of-the-gateway-1';

/** Waits between the attempts of an activity, as the server's clock counts them, in seconds. */
async function attemptsOf(handle: WorkflowHandle): Promise<{ scheduled: number; events: string }> {
  const history = await handle.fetchHistory();
  const events = history.events ?? [];
  const scheduled = events.filter((event) => event.activityTaskScheduledEventAttributes).length;
  return { scheduled, events: JSON.stringify(history) };
}

/** What Temporal was told of the activity, in seconds. */
async function attemptLimits(handle: WorkflowHandle): Promise<object[]> {
  const events = (await handle.fetchHistory()).events ?? [];
  return events
    .flatMap((event) => event.activityTaskScheduledEventAttributes ?? [])
    .map(({ retryPolicy, startToCloseTimeout }) => ({
      attempts: retryPolicy?.maximumAttempts,
      firstWait: seconds(retryPolicy?.initialInterval),
      factor: retryPolicy?.backoffCoefficient,
      longestWait: seconds(retryPolicy?.maximumInterval),
      attempt: seconds(startToCloseTimeout),
    }));
}

const seconds = (at: { seconds?: unknown } | null | undefined): number => Number(at?.seconds ?? 0);

async function elapsedSeconds(handle: WorkflowHandle): Promise<number> {
  const events = (await handle.fetchHistory()).events ?? [];
  const scheduled = events.find((event) => event.activityTaskScheduledEventAttributes);
  return seconds(events.at(-1)?.eventTime) - seconds(scheduled?.eventTime);
}

describe('authentication as an activity', () => {
  let kit: AuthKit;
  let provider: KeyServer;

  beforeAll(async () => {
    provider = await startKeyServer(KEY);
    kit = await startAuthKit({
      workers: 2,
      providers: { gateway: { kind: 'openai-compatible', baseUrl: provider.url } },
      credentials: {
        good: { strategy: 'api-key', provider: 'gateway', apiKeyEnv: 'GOOD' },
        bad: { strategy: 'api-key', provider: 'gateway', apiKeyEnv: 'BAD' },
      },
      secrets: { GOOD: KEY, BAD: 'key-that-nobody-knows' },
    });
  });
  afterAll(async () => {
    await kit?.[Symbol.asyncDispose]();
    await provider?.[Symbol.asyncDispose]();
  });

  test('that fails twice succeeds at the third attempt, after waits of 1 s and 2 s', async () => {
    provider.fail(503, 500);
    const handle = await kit.start('good');
    expect(await handle.result()).toEqual({
      outcome: 'succeeded',
      credential: 'good',
      strategy: 'api-key',
      attempts: [
        { number: 1, kind: 'provider_error', reason: 'it answered 503' },
        { number: 2, kind: 'provider_error', reason: 'it answered 500' },
        { number: 3, kind: 'succeeded', reason: '' },
      ],
    });
    const [first = 0, second = 0, third = 0] = kit.begun.slice(-3);
    // A little more on a busy machine; that it is to be no more, Temporal was told.
    expect(second - first).toBeGreaterThanOrEqual(1_000);
    expect(third - second).toBeGreaterThanOrEqual(2_000);
    expect((await attemptsOf(handle)).scheduled).toBe(1);
    expect(await attemptLimits(handle)).toEqual([
      { attempts: 3, firstWait: 1, factor: 2, longestWait: 30, attempt: 30 },
    ]);
  });

  test('that is refused fails at once, with one attempt', async () => {
    const before = provider.requests.length;
    const result = await kit.check('bad');
    expect(result).toEqual({
      outcome: 'failed',
      credential: 'bad',
      attempts: [{ number: 1, kind: 'invalid_credentials', reason: 'it answered 401' }],
      error: {
        code: 'auth_failed',
        retryable: false,
        message: 'Signing in with "bad" failed: 1 attempt; 1. invalid_credentials: it answered 401',
      },
    });
    expect(provider.requests.length - before).toBe(1);
  });

  test('of a credential that nobody has configured fails at once', async () => {
    expect(await kit.check('unheard-of')).toMatchObject({
      outcome: 'failed',
      error: { code: 'auth_failed' },
      attempts: [{ number: 1, kind: 'unknown_credential' }],
    });
  });

  test('that fails always is given up after three attempts, each with its number and reason', async () => {
    provider.fail(503, 502, 500);
    expect(await kit.check('good')).toMatchObject({
      outcome: 'failed',
      error: { code: 'max_attempts_exceeded', retryable: true },
      attempts: [
        { number: 1, kind: 'provider_error', reason: 'it answered 503' },
        { number: 2, kind: 'provider_error', reason: 'it answered 502' },
        { number: 3, kind: 'provider_error', reason: 'it answered 500' },
      ],
    });
    // The breaker has three failures by now.
    expect(await kit.check('good')).toMatchObject({ outcome: 'succeeded' });
  });

  test('waits as long as the provider asks for', async () => {
    provider.headers = { 'retry-after': '60' };
    provider.fail(429);
    const handle = await kit.start('good');
    expect(await handle.result()).toMatchObject({ outcome: 'succeeded' });
    expect(await elapsedSeconds(handle)).toBeGreaterThanOrEqual(60);
    provider.headers = {};
  });

  test('is not asked for while the breaker is open; half-open one worker probes for all', async () => {
    provider.always = 503;
    await kit.check('good');
    await kit.check('good');
    provider.always = undefined;
    const asked = provider.requests.length;
    const refused = await kit.check('good');
    expect(refused).toMatchObject({
      outcome: 'failed',
      error: { code: 'max_attempts_exceeded' },
      attempts: [{ kind: 'circuit_open' }, { kind: 'circuit_open' }, { kind: 'circuit_open' }],
    });
    expect(provider.requests.length).toBe(asked);
    expect(await kit.journal.breakers.list()).toMatchObject([
      { key: 'auth:gateway', state: 'open' },
    ]);
    kit.pass(AUTH_BREAKER.openMs);
    expect(await kit.check('good')).toMatchObject({ outcome: 'succeeded' });
    expect(await kit.journal.breakers.list()).toMatchObject([
      { key: 'auth:gateway', state: 'closed', failures: 0 },
    ]);
    // Both workers have had their share of all this.
    expect(kit.taken.every((count) => count > 0)).toBe(true);
  });

  test('leaves no secret in a history or in the log', async () => {
    const handle = await kit.start('bad');
    await handle.result();
    const { events } = await attemptsOf(handle);
    const base64 = Buffer.from('key-that-nobody-knows').toString('base64').slice(0, 20);
    for (const trace of [events, kit.logged.join('\n')]) {
      expect(trace).not.toContain('key-that-nobody-knows');
      expect(trace).not.toContain(base64);
      expect(trace).not.toContain(KEY);
    }
    expect(kit.logged.join('\n')).toContain('signing in failed');
  });
});
