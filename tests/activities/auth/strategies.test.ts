// Keys are shown to providers over HTTP, logins are asked of real programs.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Authenticator } from '../../../activities/auth/authenticator.ts';
import { startKeyServer } from '../../support/key-server.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { authStage } from './stage.ts';

const KEY = 'provider-key-0001';

const attempt = (worker: Authenticator, name: string, signal = new AbortController().signal) =>
  worker.attempt(name, { signal });

async function verdictOf(worker: Authenticator, name: string, signal?: AbortSignal) {
  const error = await attempt(worker, name, signal).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  return error === undefined ? 'succeeded' : worker.verdict(name, error);
}

describe('an API key', () => {
  test.each([
    ['openai', '/models', { authorization: `Bearer ${KEY}` }],
    ['anthropic', '/models?limit=1', { 'x-api-key': KEY }],
    ['openrouter', '/key', { authorization: `Bearer ${KEY}` }],
    ['openai-compatible', '/models', { authorization: `Bearer ${KEY}` }],
  ])('of %s is checked by a cheap request for %s', async (kind, path, headers) => {
    await using server = await startKeyServer(KEY);
    await using stage = await authStage({
      providers: { it: { kind, baseUrl: `${server.url}/`, apiKeyEnv: 'MY_KEY' } },
      credentials: {},
      secrets: { MY_KEY: KEY },
    });
    expect(await verdictOf(stage.worker(), 'it')).toBe('succeeded');
    expect(server.requests).toMatchObject([{ path, headers }]);
  });

  test('that is refused is told without itself, whatever the provider says', async () => {
    await using server = await startKeyServer(KEY);
    await using stage = await authStage({
      providers: { it: { kind: 'openai', baseUrl: server.url, apiKeyEnv: 'MY_KEY' } },
      credentials: {},
      secrets: { MY_KEY: 'a-wrong-key-0002' },
    });
    const verdict = await verdictOf(stage.worker(), 'it');
    expect(verdict).toMatchObject({ kind: 'invalid_credentials', reason: 'it answered 401' });
    expect(JSON.stringify(verdict)).not.toContain('a-wrong-key-0002');
  });

  test('that is not set, and a provider that leads elsewhere, are mistakes of the settings', async () => {
    await using server = await startKeyServer(KEY);
    server.fail(307);
    await using stage = await authStage({
      providers: { it: { kind: 'openai', baseUrl: server.url, apiKeyEnv: 'MY_KEY' } },
      credentials: { unset: { strategy: 'api-key', provider: 'it', apiKeyEnv: 'NOWHERE' } },
      secrets: { MY_KEY: KEY },
    });
    expect(await verdictOf(stage.worker(), 'it')).toMatchObject({ kind: 'misconfigured' });
    expect(await verdictOf(stage.worker(), 'unset')).toMatchObject({
      kind: 'misconfigured',
      reason: expect.stringContaining('NOWHERE'),
    });
  });
});

describe('the login of a program', () => {
  const shell = (script: string, more: object = {}) => ({
    strategy: 'command',
    command: 'sh',
    args: ['-c', script],
    ...more,
  });
  const secrets = { PATH: process.env['PATH'] ?? '', HOME: '/nowhere', TOKEN: 'a-token-0003' };

  test.each([
    ['exit 0', {}, 'succeeded'],
    ['exit 3', {}, 'invalid_credentials'],
    ['exit 3', { successCodes: [3] }, 'succeeded'],
    ['exit 7', { retryCodes: [7] }, 'provider_error'],
    ['echo "Logged in as ann" >&2', { successPattern: '^Logged in' }, 'succeeded'],
    ['echo no', { successPattern: 'Logged in' }, 'invalid_credentials'],
    ['kill -9 $$', {}, 'provider_error'],
  ])('%s with %j is %s', async (script, more, outcome) => {
    await using stage = await authStage({ credentials: { it: shell(script, more) }, secrets });
    const verdict = await verdictOf(stage.worker(), 'it');
    expect(typeof verdict === 'string' ? verdict : verdict.kind).toBe(outcome);
  });

  test('gets the variables that are named and no others, and its output is not repeated', async () => {
    await using folder = await temporaryFolder();
    const out = join(folder.path, 'env');
    const script = `env > ${out}; env; exit 1`;
    await using stage = await authStage({
      credentials: { it: shell(script, { env: ['PATH', 'TOKEN'] }) },
      secrets,
    });
    const verdict = await verdictOf(stage.worker(), 'it');
    const seen = await readFile(out, 'utf8');
    expect(seen).toContain('TOKEN=a-token-0003');
    expect(seen).not.toContain('HOME=');
    expect(JSON.stringify(verdict)).not.toContain('a-token-0003');
  });

  test('that does not exist is a mistake of the settings', async () => {
    await using stage = await authStage({
      credentials: { it: { strategy: 'command', command: 'no-such-program-here' } },
      secrets,
    });
    expect(await verdictOf(stage.worker(), 'it')).toMatchObject({
      kind: 'misconfigured',
      reason: expect.stringContaining('no-such-program-here'),
    });
  });

  test('that hangs is ended with all that it has started', async () => {
    await using folder = await temporaryFolder();
    const pids = join(folder.path, 'pids');
    const script = `sleep 1000 & echo $! > ${pids}; echo $$ >> ${pids}; wait`;
    await using stage = await authStage({ credentials: { it: shell(script) }, secrets });
    const stop = new AbortController();
    const verdict = verdictOf(stage.worker(), 'it', stop.signal);
    const started = () => readFile(pids, 'utf8').then((text) => text.trim().split('\n').length);
    await expect.poll(() => started().catch(() => 0)).toBe(2);
    stop.abort(new DOMException('late', 'TimeoutError'));
    expect(await verdict).toMatchObject({ kind: 'timeout' });
    for (const pid of (await readFile(pids, 'utf8')).trim().split('\n'))
      await expect.poll(() => isAlive(Number(pid))).toBe(false);
  });
});

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
