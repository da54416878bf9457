// What a model says may be too large for an event; who waits for it wants it all the same.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { PerdureError } from '../../contracts/perdure-error.ts';
import { words } from '../client/conversation.ts';
import { startFixture } from './support/fixture.ts';
import type { Fixture } from './support/fixture.ts';

let product: Fixture;
let readable = true;
beforeAll(async () => {
  product = await startFixture({
    worker: true,
    wrap: (journal) => ({
      ...journal,
      artifacts: {
        ...journal.artifacts,
        get: async (tenant, artifact) => {
          if (!readable) throw new PerdureError('journal_unavailable', 'gone');
          return journal.artifacts.get(tenant, artifact);
        },
      },
    }),
  });
});
afterAll(() => product[Symbol.asyncDispose]());

async function replyTo(content: string) {
  const { body: session } = await product.send('POST', '/api/sessions', { body: {} });
  const path = `/api/sessions/${session.sessionId}/messages?wait=120s`;
  const { status, body } = await product.send('POST', path, { body: { content } });
  expect(status).toBe(200);
  return body['reply'] as { text: string; artifact?: { artifact: string; bytes: number } };
}

test('a reply of more than 32 KiB is whole in the answer to ?wait=', async () => {
  const reply = await replyTo('#long tokens=4000');
  expect(reply.text).toBe(words('long', 4000));
  expect(reply).not.toHaveProperty('artifact');
});

test('a reply whose bytes cannot be read now has them by reference', async () => {
  readable = false;
  const reply = await replyTo('#later tokens=4000').finally(() => (readable = true));
  expect(reply).toMatchObject({ text: '', artifact: { bytes: words('later', 4000).length } });
});

test('a reply of more than 1 MiB has its artifact beside an empty text', async () => {
  const label = 'x'.repeat(3_000);
  const whole = words(label, 400);
  const { text, artifact } = await replyTo(`#${label} tokens=400`);
  expect(text).toBe('');
  expect(artifact).toMatchObject({ bytes: whole.length });
  const found = await product.send('GET', `/api/artifacts/${artifact!.artifact}`);
  expect(found.body['text']).toBe(whole);
});
