// What is too large for an event travels as an artifact.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createPerdureClient, NetworkError, PerdureError, textOfTurn } from '../../client/index.ts';
import { startFixture } from '../api/support/fixture.ts';
import type { Fixture } from '../api/support/fixture.ts';
import { until, words } from './conversation.ts';

let product: Fixture;
beforeAll(async () => {
  product = await startFixture({ worker: true });
});
afterAll(() => product[Symbol.asyncDispose]());

const tools = [
  {
    name: 'ask_person',
    description: 'asks',
    inputSchema: { type: 'object' as const },
    effect: 'never-retry' as const,
  },
];

test('arguments too large for an event reach the function that answers whole, and the reader by their artifact', async () => {
  using perdure = createPerdureClient({ url: product.url });
  const { session } = await perdure.start({ tools });
  const question = 'x'.repeat(40_000);
  const asked: unknown[] = [];
  await using _answering = session.answerTools({ ask_person: (args) => asked.push(args) });
  const { turn } = await session.sendAndWait(
    `call=ask_person${JSON.stringify({ question })} tokens=2`,
  );
  expect(asked).toEqual([{ question }]);
  const { arguments: inEvent, artifact } = turn.steps[0]!.calls[0]!;
  expect(inEvent).toBeUndefined();
  const bytes = await perdure.artifact(artifact!.artifact);
  expect(JSON.parse(new TextDecoder().decode(bytes))).toEqual({ question });
});

/** A client that counts the artifacts it asks for, and may lose some of the answers. */
function counting(lost = 0) {
  const asked: string[] = [];
  const client = createPerdureClient({
    url: product.url,
    retryForMs: 0,
    retryDelay: () => 1,
    fetch: async (input, init) => {
      const url = input instanceof Request ? input.url : String(input);
      if (!url.includes('/api/artifacts/')) return fetch(input, init);
      asked.push(url);
      if (asked.length <= lost) throw new TypeError('cut');
      return fetch(input, init);
    },
  });
  return { client, asked };
}

test('an answer too large for an event is whole, and asked for only by who did not see it stream', async () => {
  const whole = words('long', 4_000);
  const { client: first, asked } = counting();
  using perdure = first;
  const { session } = await perdure.start();
  const reply = await session.sendAndWait('#long tokens=4000');
  expect(reply.text).toBe(whole);
  expect(reply.turn.steps[0]?.blocks[0]?.artifact?.bytes).toBe(whole.length);
  expect(asked).toEqual([]);

  const later = counting(2);
  using latecomer = later.client;
  const reading = latecomer.session(session.id);
  const { seq } = await until(reading.history(), ({ type }) => type === 'content.delta');
  const notices: string[] = [];
  const onConnection = ({ type }: { type: string }) => void notices.push(type);
  for await (const { event, view } of reading.follow({ after: seq, onConnection })) {
    if (event.type !== 'turn.settled') continue;
    expect(textOfTurn(view.turns[0]!)).toBe(whole);
    break;
  }
  expect(later.asked).toHaveLength(3);
  expect(notices).toEqual(['lost', 'lost', 'resumed']);

  await expect
    .poll(() => product.journal.events.prune({ olderThanMs: -60_000, limit: 100_000 }))
    .toBe(0);
  expect(textOfTurn((await reading.view()).turns[0]!)).toBe(whole);
  expect((await reading.onceSettled(reply.messageId)).text).toBe(whole);
  expect(later.asked).toHaveLength(5);
});

test('an artifact that is none, or breaks off on its way, is a typed error', async () => {
  using perdure = createPerdureClient({ url: product.url });
  const unknown = perdure.artifact(`sha256_${'0'.repeat(64)}`);
  await expect(unknown).rejects.toBeInstanceOf(PerdureError);
  const broken = new ReadableStream({ pull: (controller) => controller.error(new Error('gone')) });
  using cut = createPerdureClient({
    url: product.url,
    retryForMs: 0,
    fetch: async () => {
      const response = new Response(broken);
      Object.defineProperty(response, 'url', { value: product.url });
      return response;
    },
  });
  await expect(cut.artifact('x')).rejects.toBeInstanceOf(NetworkError);
});
