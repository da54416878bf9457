import { expect, it } from 'vitest';
import type { ModelStepInput } from '../../contracts/activities.ts';
import type { Part } from '../../contracts/content.ts';
import type { Journal } from '../../journal/port.ts';
import { openStage } from './stage.ts';
import type { Stage } from './stage.ts';

const OWNER = { tenant: 'acme', user: 'ann' };
const models = {
  small: { provider: 'demo', model: 'demo', contextTokens: 4_000, maxOutputTokens: 100 },
};

/** Notes which artifacts are read. */
const watched =
  (reads: string[]) =>
  (journal: Journal): Journal => ({
    ...journal,
    artifacts: {
      ...journal.artifacts,
      get: (tenant, artifact) => {
        reads.push(artifact);
        return journal.artifacts.get(tenant, artifact);
      },
    },
  });

/** A reference that makes itself small. */
async function upload(stage: Stage, text: string): Promise<Part> {
  const bytes = Buffer.from(text);
  const ref = await stage.journal.artifacts.put(OWNER, bytes, { mediaType: 'text/plain' });
  return { type: 'artifact', ...ref, bytes: 3 };
}

const withContent = (stage: Stage, content: readonly Part[]): ModelStepInput => {
  const input = stage.message('');
  return { ...input, messages: input.messages.map((message) => ({ ...message, content })) };
};

it('files that cannot fit are not read, in their turn and later; the turn says so, and the session goes on', async () => {
  const reads: string[] = [];
  await using stage = await openStage({ models, spoil: watched(reads) });
  const file = await upload(stage, 'lorem ipsum '.repeat(4_000));
  const first = await stage.callModel(
    withContent(
      stage,
      Array.from({ length: 8 }, () => file),
    ),
  );
  expect(first).toMatchObject({ outcome: 'failed', error: { code: 'context_too_long' } });
  expect(reads.length).toBeLessThanOrEqual(1);
  const [settled] = await stage.eventsOf('turn.settled');
  expect(settled?.data).toMatchObject({ outcome: 'failed', error: { code: 'context_too_long' } });
  reads.length = 0;
  const next = await stage.callModel(stage.message('hello'));
  expect(next.outcome).not.toBe('failed');
  expect(reads.length).toBeLessThanOrEqual(1);
});

it('files that fit are read', async () => {
  const reads: string[] = [];
  await using stage = await openStage({ models, spoil: watched(reads) });
  const file = await upload(stage, 'lorem ipsum');
  const result = await stage.callModel(withContent(stage, [file]));
  expect(result.outcome).not.toBe('failed');
  expect(reads).toHaveLength(1);
});
