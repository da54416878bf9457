import { describe, expect, it } from 'vitest';
import { failureOf, withServer } from './provider-families.ts';

describe.each(['openai-compatible', 'openrouter'] as const)('a chat provider (%s)', (family) => {
  it.each(['error', 'interrupted'] as const)(
    'is asked again after an answer that finished with "%s"',
    async (finishReason) =>
      withServer(family, async (stage, server) => {
        server.script({ text: 'half of', finishReason });
        const failure = await failureOf(stage.callModel(stage.message('hi')));
        expect(failure.nonRetryable).toBe(false);
        expect(failure.message).toContain(finishReason);
        expect(await stage.eventsOf('content.completed')).toEqual([]);
      }),
  );
});
