import { expect, test } from 'vitest';
import { failed, outcomeOf } from '../../client/tool-outcome.ts';
import { MAX_TOOL_RESULT_BYTES } from '../../contracts/limits.ts';
import { toolAnswerSchema } from '../../contracts/tools.ts';

const GRIN = '😀';

test('what a tool died of is told in words that the API takes, however long and broken', () => {
  for (const message of ['', 'a\0b', '\uD83D', GRIN.repeat(20_000), `x${GRIN.repeat(20_000)}`]) {
    const answer = toolAnswerSchema.parse(failed(message)) as { message: string };
    expect(answer.message).not.toContain('\0');
    expect(answer.message.isWellFormed()).toBe(true);
  }
  expect(failed('')).toEqual({ status: 'failed', message: 'The tool failed.' });
  expect(failed('a\0b')).toEqual({ status: 'failed', message: 'a\uFFFDb' });
});

test('of a result too large for its request the model reads both ends, with no half characters', async () => {
  const stored = { artifact: `sha256:${'0'.repeat(64)}`, bytes: 1, mediaType: 'text/plain' };
  for (const before of ['', 'x']) {
    const text = `${before}${GRIN.repeat(MAX_TOOL_RESULT_BYTES)}`;
    const answer = await outcomeOf(text, async () => stored);
    const preview = answer.status === 'completed' ? answer.preview : undefined;
    if (preview === undefined) throw new Error('It has no preview.');
    expect(preview.length).toBeLessThanOrEqual(8_192);
    expect(preview.isWellFormed()).toBe(true);
    expect(preview.startsWith(`${before}${GRIN}`)).toBe(true);
    expect(preview).toContain('characters left out');
  }
});
