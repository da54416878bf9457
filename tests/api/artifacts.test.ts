import { expect, test } from 'vitest';
import type { Journal } from '../../journal/port.ts';
import { eventually, startFixture } from './support/fixture.ts';

/** Bytes of artifacts that were read, by their ids. */
function counting() {
  const read: string[] = [];
  const wrap = (journal: Journal): Journal => ({
    ...journal,
    artifacts: {
      ...journal.artifacts,
      get(tenant, artifact) {
        read.push(artifact);
        return journal.artifacts.get(tenant, artifact);
      },
    },
  });
  return { read, wrap };
}

test('a message and a tool result may name an artifact, whose bytes are not read for that', async () => {
  const { read, wrap } = counting();
  await using product = await startFixture({ worker: true, wrap });
  const uploaded = await product.send('POST', '/api/artifacts?name=a.txt', {
    body: 'bytes',
    headers: { 'content-type': 'text/plain' },
  });
  const artifact = uploaded.body;
  const content = [
    { type: 'artifact', ...artifact },
    { type: 'text', text: 'call=ask{"question":"x"}' },
  ];
  const { sessionId } = (
    await product.send('POST', '/api/sessions', { body: { agent: 'asker', message: content } })
  ).body;
  const [call] = await eventually(
    () => product.journal.ledger.pending({ tenant: 'local', sessionId }, 1),
    (calls) => calls.length === 1,
  );
  const answered = await product.send('POST', `/api/tools/${call!.callId}/result`, {
    body: { outcome: { status: 'completed', artifact } },
  });
  expect(answered.status).toBe(202);
  expect(read).toEqual([]);
  const history = await eventually(
    () => product.send('GET', `/api/sessions/${sessionId}/history`),
    ({ body }) => JSON.stringify(body).includes('tool.settled'),
  );
  expect(JSON.stringify(history.body['events'])).toContain(artifact['artifact']);
  expect((await product.send('GET', uploaded.headers.get('location')!)).body['text']).toBe('bytes');
  expect(read).toEqual([artifact['artifact']]);
});

test('a message keeps what is stored of an artifact, whatever the client says of it, and the name that it gives it', async () => {
  await using product = await startFixture({ worker: true });
  const { artifact } = (
    await product.send('POST', '/api/artifacts?name=a.txt', {
      body: 'bytes',
      headers: { 'content-type': 'text/plain' },
    })
  ).body;
  const said = { type: 'artifact', artifact, mediaType: 'image/png', bytes: 3_000_000 };
  const { sessionId } = (
    await product.send('POST', '/api/sessions', {
      body: { message: [said, { ...said, name: 'mine.txt' }] },
    })
  ).body;
  const { body } = await eventually(
    () => product.send('GET', `/api/sessions/${sessionId}/transcript`),
    (answer) => (answer.body['messages'] as unknown[]).length > 0,
  );
  const stored = { type: 'artifact', artifact, mediaType: 'text/plain', bytes: 5 };
  const content = [
    { ...stored, name: 'a.txt' },
    { ...stored, name: 'mine.txt' },
  ];
  expect(body['messages']).toEqual(
    expect.arrayContaining([expect.objectContaining({ role: 'user', content })]),
  );
});

test('files among the parts of a tool result are kept as they are stored, and unknown ones are refused', async () => {
  await using product = await startFixture({ worker: true });
  const { artifact } = (
    await product.send('POST', '/api/artifacts?name=a.txt', {
      body: 'bytes',
      headers: { 'content-type': 'text/plain' },
    })
  ).body;
  const { sessionId } = (
    await product.send('POST', '/api/sessions', {
      body: { tools: [LOOK], message: 'call=look{}' },
    })
  ).body;
  const { calls } = (
    await eventually(
      () => product.send('GET', `/api/tools/pending?sessionId=${sessionId as string}`),
      ({ body }) => (body['calls'] as unknown[]).length > 0,
    )
  ).body as unknown as { calls: { callId: string }[] };
  const answer = (result: unknown) =>
    product.send('POST', `/api/tools/${calls[0]!.callId}/result`, {
      body: { outcome: { status: 'completed', result } },
    });
  const missing = `sha256_${'0'.repeat(64)}`;
  const said = { type: 'artifact', artifact, mediaType: 'image/png', bytes: 3_000_000 };
  const text = { type: 'text', text: 'look' };
  const refused = await answer([text, { ...said, artifact: missing }]);
  expect(refused.status).toBe(404);
  expect(refused.body).toMatchObject({ code: 'not_found', field: 'outcome.result' });
  expect((await answer([text, said])).status).toBe(202);
  const { body } = await eventually(
    () => product.send('GET', `/api/sessions/${sessionId as string}/history`),
    (history) => JSON.stringify(history.body).includes('tool.settled'),
  );
  const settled = (body['events'] as { type: string; data: unknown }[]).find(
    ({ type }) => type === 'tool.settled',
  );
  const stored = { type: 'artifact', artifact, mediaType: 'text/plain', bytes: 5, name: 'a.txt' };
  expect(settled?.data).toMatchObject({ result: [text, stored] });
});

const LOOK = { name: 'look', description: 'Looks.', inputSchema: { type: 'object' } };
