/** A key that is revoked at one API, or by `perdure keys` in the database, at the others. */
import { describe, expect, test } from 'vitest';
import type { KeyId } from '../../contracts/ids.ts';
import type { Journal } from '../../journal/port.ts';
import { DIALECTS, eventually, startFixture, type Fixture } from './support/fixture.ts';
import { overHttp, overSocket, type Trpc } from './support/trpc.ts';

async function annsKey({ send }: Fixture): Promise<{ key: string; keyId: KeyId }> {
  const made = await send('POST', '/api/keys', { body: { user: 'ann', tenant: 'acme' } });
  return { key: made.body['key'] as string, keyId: made.body['keyId'] as KeyId };
}

interface Following {
  /** The connection was there and the first event came. */
  readonly began: Promise<void>;
  /** Resolves with the code that the client is left with. */
  readonly ended: Promise<string | undefined>;
}

function follow(trpc: Trpc, sessionId: `ses_${string}`): Following {
  const began = Promise.withResolvers<void>();
  const ended = Promise.withResolvers<string | undefined>();
  trpc.session.events.subscribe(
    { sessionId },
    { onData: () => began.resolve(), onError: ({ data }) => ended.resolve(data?.code) },
  );
  return { began: began.promise, ended: ended.promise };
}

async function followPlain(url: string, key: string): Promise<{ ended: Promise<void> }> {
  const headers = { accept: 'text/event-stream', authorization: `Bearer ${key}` };
  const { body } = await fetch(url, { headers });
  return { ended: body!.pipeTo(new WritableStream()) };
}

describe.each(DIALECTS)('with a journal on %s', (dialect) => {
  const REVOCATIONS = {
    'at another API': ({ send }: Fixture, keyId: KeyId) => send('DELETE', `/api/keys/${keyId}`),
    'in the journal, by no API': ({ journal }: Fixture, keyId: KeyId) => journal.keys.revoke(keyId),
  };
  test.each(Object.entries(REVOCATIONS))(
    'a key that is revoked %s loses its streams here, whatever carries them; other keys keep theirs',
    async (_, revoke) => {
      await using product = await startFixture({ dialect });
      const here = await product.addApi();
      const { key, keyId } = await annsKey(product);
      const { sessionId } = (await here.send('POST', '/api/sessions', { key, body: {} })).body;
      using socket = overSocket(here.url, key);
      using colleague = overSocket(here.url, await product.key('acme', 'ann'));
      const others = follow(colleague.trpc, sessionId);
      const own = [follow(socket.trpc, sessionId), follow(overHttp(here.url, key), sessionId)];
      const plain = await followPlain(`${here.url}/api/sessions/${sessionId}/events`, key);
      await Promise.all([...own, others].map(({ began }) => began));

      await revoke(product, keyId);
      await plain.ended;
      await eventually(
        () => product.registry.metrics(),
        (text) => /perdure_open_streams 2\n/.test(text),
      );
      expect((await here.send('GET', '/api/system', { key })).status).toBe(401);
      expect(await colleague.trpc.session.get.query({ sessionId })).toMatchObject({ sessionId });
    },
  );
});

/** Nobody ends its streams. */
const withoutWatch = (journal: Journal): Journal => ({
  ...journal,
  keys: { ...journal.keys, valid: async (keyIds) => new Set(keyIds) },
});

test('a call over a WebSocket that is open already is refused once the key is revoked, as any other call', async () => {
  await using product = await startFixture({ wrap: withoutWatch });
  const { key, keyId } = await annsKey(product);
  using socket = overSocket(product.url, key);
  const { sessionId } = await socket.trpc.session.start.mutate({});
  await product.journal.keys.revoke(keyId);
  const send = () => socket.trpc.session.send.mutate({ sessionId, content: 'still here' });
  const refusal = await eventually(
    () =>
      send().then(
        () => undefined,
        (error: unknown) => error,
      ),
    (error) => error !== undefined,
  );
  expect(refusal).toMatchObject({ data: { code: 'unauthenticated', httpStatus: 401 } });
});
