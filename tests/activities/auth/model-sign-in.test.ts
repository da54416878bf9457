// A model's provider that takes tokens: had before the call, told in the session's log, never shown.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { CLIENT_SECRETS, startTokenServer } from '../../support/token-server.ts';
import type { TokenServer } from '../../support/token-server.ts';
import { openStage } from '../stage.ts';

const CHUNKS = [
  { choices: [{ index: 0, delta: { role: 'assistant', content: 'Hello' } }] },
  { choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] },
].map((part) => ({ id: 'x', object: 'chat.completion.chunk', created: 1, model: 'm', ...part }));

/** Answers whoever brings the newest token, except so many times. */
async function startProvider(tokens: TokenServer) {
  const state = { refuse: 0, seen: [] as string[] };
  const server = createServer((request, response) => {
    request.resume();
    state.seen.push(String(request.headers.authorization));
    if (state.refuse-- > 0) return response.writeHead(401).end('{"error":{"message":"expired"}}');
    if (request.headers.authorization !== `Bearer ${tokens.issued.at(-1)}`)
      return response.writeHead(401).end('{"error":{"message":"unknown"}}');
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    for (const chunk of CHUNKS) response.write(`data: ${JSON.stringify(chunk)}\n\n`);
    return response.end('data: [DONE]\n\n');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return Object.assign(state, {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  });
}

const stageFor = (tokens: TokenServer, url: string, secret = CLIENT_SECRETS.CLIENT_SECRET) =>
  openStage({
    providers: { company: { kind: 'openai-compatible', baseUrl: url, credential: 'gateway' } },
    models: { fast: { provider: 'company', model: 'm' } },
    credentials: {
      gateway: {
        strategy: 'oauth2-client-credentials',
        tokenUrl: tokens.tokenUrl,
        clientIdEnv: 'CLIENT_ID',
        clientSecretEnv: 'CLIENT_SECRET',
      },
    },
    secrets: { CLIENT_ID: 'perdure', CLIENT_SECRET: secret },
  });

test('a token is had before the first call, used for the next ones, and stands in no event', async () => {
  await using tokens = await startTokenServer();
  await using provider = await startProvider(tokens);
  await using stage = await stageFor(tokens, provider.url);
  for (const text of ['one', 'two'])
    expect(await stage.callModel(stage.message(text))).toMatchObject({ outcome: 'completed' });
  expect(tokens.requests).toHaveLength(1);
  expect(provider.seen).toEqual([1, 2].map(() => `Bearer ${tokens.issued[1]}`));
  const [settled, ...others] = await stage.eventsOf('auth.settled');
  expect(others).toEqual([]);
  expect(settled!.data).toEqual({
    credential: 'gateway',
    strategy: 'oauth2-client-credentials',
    outcome: 'succeeded',
    attempts: [{ number: 1, kind: 'succeeded', reason: '' }],
  });
  const told = JSON.stringify([await stage.events(), stage.logged]);
  for (const secret of [tokens.issued[1]!, CLIENT_SECRETS.CLIENT_SECRET])
    expect(told).not.toContain(secret);
});

test('a token that the provider refuses is replaced once', async () => {
  await using tokens = await startTokenServer();
  await using provider = await startProvider(tokens);
  await using stage = await stageFor(tokens, provider.url);
  provider.refuse = 1;
  const step = stage.message('one');
  await expect(stage.callModel(step)).rejects.toThrow();
  expect(await stage.callModel(step, { attempt: 2 })).toMatchObject({ outcome: 'completed' });
  expect(provider.seen).toEqual([`Bearer ${tokens.issued[1]}`, `Bearer ${tokens.issued[2]}`]);
  provider.refuse = 9;
  const next = stage.message('two');
  await expect(stage.callModel(next)).rejects.toThrow();
  expect(await stage.callModel(next, { attempt: 2 })).toMatchObject({
    outcome: 'failed',
    error: { code: 'model_rejected' },
  });
});

test('a refused sign-in ends the turn at once with auth_failed, and its event says why', async () => {
  await using tokens = await startTokenServer();
  await using provider = await startProvider(tokens);
  await using stage = await stageFor(tokens, provider.url, 'a-wrong-secret');
  expect(await stage.callModel(stage.message('one'))).toMatchObject({
    outcome: 'failed',
    error: { code: 'auth_failed', retryable: false },
  });
  expect(provider.seen).toEqual([]);
  expect((await stage.eventsOf('auth.settled')).map(({ data }) => data)).toMatchObject([
    { outcome: 'failed', attempts: [{ number: 1, kind: 'invalid_credentials' }] },
  ]);
  expect(JSON.stringify(await stage.events())).not.toContain('a-wrong-secret');
});
