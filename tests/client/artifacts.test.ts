// What is too large for an event travels as an artifact.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createPerdureClient, NetworkError, PerdureError } from '../../client/index.ts';
import { startFixture } from '../api/support/fixture.ts';
import type { Fixture } from '../api/support/fixture.ts';

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
