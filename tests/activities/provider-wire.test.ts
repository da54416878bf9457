import { describe, expect, it } from 'vitest';
import { startModelServer } from '../support/model-server.ts';
import type { Fault, ScriptedReply } from '../support/model-server.ts';
import { FAMILIES, SECRET, failureOf, familyOn, withServer } from './provider-families.ts';
import { seal, untilStreaming } from './scripted-stage.ts';
import { nextStep, openStage } from './stage.ts';

const SAFE = { tokenDelayMs: 0 };

describe.each(FAMILIES)('a provider of the family %s', (family) => {
  it('streams an answer, whose deltas are the completed text, with its usage', async () =>
    withServer(family, async (stage, server) => {
      server.script({ text: 'Hello from the wire.', usage: { input: 100, output: 7, cached: 40 } });
      const result = await stage.callModel(stage.message('hi'));
      expect(result).toMatchObject({
        outcome: 'completed',
        spend: { usage: { inputTokens: 100, outputTokens: 7, cachedInputTokens: 40 } },
      });
      expect(result.spend.costUsd).toBeCloseTo((100 + 2 * 7) / 1e6, 12);
      const deltas = await stage.eventsOf('content.delta');
      expect(deltas.map(({ data }) => data.text).join('')).toBe('Hello from the wire.');
      expect((await stage.eventsOf('content.completed'))[0]?.data).toEqual({
        kind: 'text',
        text: 'Hello from the wire.',
      });
      expect((await stage.events()).map(({ type }) => type).slice(-4)).toEqual([
        'content.completed',
        'model.settled',
        'usage.recorded',
        'turn.settled',
      ]);
      expect(server.requests).toHaveLength(1);
    }));

  it('is sent the whole conversation, with the call and the result of a tool', async () =>
    withServer(
      family,
      async (stage, server) => {
        server.script(
          { text: 'I look.', toolCalls: [{ name: 'list_files', arguments: { path: '.' } }] },
          { text: 'There is one file.' },
        );
        const first = stage.message('what is here?');
        const asked = await stage.callModel(first);
        if (asked.outcome !== 'tool_calls') throw new Error(asked.outcome);
        for (const call of asked.calls) await stage.executeTool(first, call);
        expect((await stage.callModel(nextStep(first))).outcome).toBe('completed');
        const sent = JSON.stringify(server.requests[1]?.body);
        for (const words of ['what is here?', 'I look.', 'only.txt', asked.calls[0]?.callId])
          expect(sent).toContain(words);
      },
      { files: { 'only.txt': 'x' } },
    ));

  it('has its invalid tool calls settled at once, so that the model reads why', async () =>
    withServer(family, async (stage, server) => {
      server.script({
        toolCalls: [
          { name: 'read_file', arguments: { file: 'wrong' } },
          { name: 'read_file', arguments: '{"path": "cut of' },
          { name: 'no_such_tool', arguments: {} },
        ],
      });
      const first = stage.message('go');
      const result = await stage.callModel(first);
      if (result.outcome !== 'tool_calls') throw new Error(result.outcome);
      expect(result.calls.map(({ settled }) => settled)).toEqual([true, true, true]);
      const settled = await stage.eventsOf('tool.settled');
      expect(settled.map(({ data }) => data.outcome)).toEqual(['failed', 'failed', 'failed']);
      server.script({ text: 'Sorry.' });
      expect((await stage.callModel(nextStep(first))).outcome).toBe('completed');
      expect(JSON.stringify(server.requests[1]?.body)).toContain('There is no tool');
    }));

  const retried: [string, ScriptedReply, string][] = [
    ['a 500', { fault: { kind: 'status', status: 500 } }, 'model_unavailable'],
    ['a 503', { fault: { kind: 'status', status: 503 } }, 'model_unavailable'],
    [
      'a 529',
      { fault: { kind: 'status', status: 529, code: 'overloaded_error' } },
      'model_unavailable',
    ],
    ['a 429', { fault: { kind: 'status', status: 429 } }, 'model_unavailable'],
    [
      'a stream that is cut',
      { text: 'a b c d', fault: { kind: 'cut', after: 2 } },
      'network_error',
    ],
    [
      'a stream that ends without a finish',
      { text: 'a b c d', fault: { kind: 'end', after: 2 } },
      'model_unavailable',
    ],
    [
      'garbage instead of JSON',
      { text: 'a b c d', fault: { kind: 'garbage', after: 2 } },
      'model_unavailable',
    ],
    [
      'JSON that is no event of its API',
      { text: 'a b c d', fault: { kind: 'misshapen', after: 2 } },
      'model_unavailable',
    ],
    [
      'an answer with nothing in it',
      { text: '', fault: { kind: 'end', after: 0 } },
      'model_unavailable',
    ],
    [
      'an overload in mid-stream that only its text tells',
      {
        text: 'a b c d',
        fault: { kind: 'error-event', after: 2, message: 'Overloaded', code: '' },
      },
      'model_unavailable',
    ],
    [
      'an error event in mid-stream',
      {
        text: 'a b c d',
        fault: { kind: 'error-event', after: 2, message: 'Overloaded', code: 'overloaded_error' },
      },
      'model_unavailable',
    ],
  ];
  it.each(retried)('is asked again after %s, which is charged', async (_name, reply, code) =>
    withServer(family, async (stage, server) => {
      server.script({ ...SAFE, ...reply });
      const input = stage.message('#good tokens=3');
      const failure = await failureOf(stage.callModel(input));
      expect(failure.nonRetryable).toBe(false);
      expect(failure.nextRetryDelay).toBe(1_000);
      const [retrying] = await stage.eventsOf('model.retrying');
      expect(retrying?.data).toMatchObject({ failures: 1, error: { code, retryable: true } });
      expect((await stage.callModel(input, { attempt: 2 })).outcome).toBe('completed');
      const completed = await stage.eventsOf('content.completed');
      expect(completed.map(({ data }) => data.text)).toEqual(['good-1 good-2 good-3 ']);
    }),
  );

  it('is waited for as long as its Retry-After says', async () =>
    withServer(family, async (stage, server) => {
      server.script({ fault: { kind: 'status', status: 429, headers: { 'retry-after': '17' } } });
      const failure = await failureOf(stage.callModel(stage.message('hi')));
      expect(failure.nextRetryDelay).toBe(17_000);
    }));

  it('is waited for until the date of its Retry-After', async () =>
    withServer(family, async (stage, server) => {
      const headers = { 'retry-after': new Date(Date.now() + 120_000).toUTCString() };
      server.script({ fault: { kind: 'status', status: 503, headers } });
      const failure = await failureOf(stage.callModel(stage.message('hi')));
      // A date has whole seconds, and some of the time has passed.
      expect(Number(failure.nextRetryDelay)).toBeGreaterThan(60_000);
      expect(Number(failure.nextRetryDelay)).toBeLessThanOrEqual(120_000);
    }));

  const final: [string, Fault, [string, RegExp]][] = [
    [
      'a wrong key',
      { kind: 'status', status: 401, message: `Incorrect API key: ${SECRET}` },
      ['model_rejected', /Incorrect API key: \[redacted\]/],
    ],
    [
      'an unknown model',
      { kind: 'status', status: 404, message: 'model not found' },
      ['model_rejected', /model not found/],
    ],
    [
      'a bad request',
      { kind: 'status', status: 400, message: 'temperature is too high' },
      ['model_rejected', /temperature/],
    ],
    [
      'a refused content',
      {
        kind: 'status',
        status: 400,
        message: 'blocked by content policy',
        code: 'content_policy_violation',
      },
      ['model_rejected', /content policy/],
    ],
    [
      'a Retry-After beyond five minutes',
      { kind: 'status', status: 429, headers: { 'retry-after': '301' } },
      ['model_unavailable', /./],
    ],
  ];
  it.each(final)('fails the turn after %s', async (_name, fault, [code, message]) =>
    withServer(family, async (stage, server) => {
      server.script({ fault });
      const result = await stage.callModel(stage.message('hi'));
      expect(result).toMatchObject({ outcome: 'failed', error: { code } });
      const [settled] = await stage.eventsOf('turn.settled');
      expect(settled?.data).toMatchObject({
        outcome: 'failed',
        error: { code, message: expect.stringMatching(message) },
      });
      expect(JSON.stringify([await stage.events(), stage.logged])).not.toContain(SECRET);
      expect(server.requests).toHaveLength(1);
    }),
  );

  it('fails the turn when its content filter stops the answer', async () =>
    withServer(family, async (stage, server) => {
      server.script({ text: 'half of', finishReason: 'content_filter' });
      expect(await stage.callModel(stage.message('hi'))).toMatchObject({
        outcome: 'failed',
        error: { code: 'model_rejected', message: expect.stringContaining('filter') },
      });
    }));

  it('that finds the request too long gets a shorter one, and at last the person is told', async () =>
    withServer(family, async (stage, server) => {
      const tooLong: ScriptedReply = {
        fault: {
          kind: 'status',
          status: 400,
          message: 'maximum context length is 100 tokens',
          code: 'context_length_exceeded',
        },
      };
      server.script(tooLong, tooLong, tooLong, tooLong);
      const result = await stage.callModel(stage.message('hi'));
      expect(result).toMatchObject({ outcome: 'failed', error: { code: 'context_too_long' } });
      expect(server.requests.length).toBe(4);
    }));

  it('whose first token does not come counts as too slow', async () =>
    withServer(
      family,
      async (stage, server) => {
        server.script({ text: 'late', firstTokenDelayMs: 5_000 });
        await failureOf(stage.callModel(stage.message('hi')));
        const [retrying] = await stage.eventsOf('model.retrying');
        expect(retrying?.data.error).toMatchObject({
          code: 'model_timeout',
          message: expect.stringContaining('first token'),
        });
      },
      { timeouts: { modelFirstTokenMs: 200 } },
    ));

  it('that falls silent in the middle counts as too slow', async () =>
    withServer(
      family,
      async (stage, server) => {
        server.script({ text: 'a b c d', fault: { kind: 'stall', after: 2 } });
        await failureOf(stage.callModel(stage.message('hi')));
        const [retrying] = await stage.eventsOf('model.retrying');
        expect(retrying?.data.error).toMatchObject({
          code: 'model_timeout',
          message: expect.stringContaining('silent'),
        });
      },
      { timeouts: { modelSilenceMs: 200 } },
    ));

  it('that cannot be reached is a network error', async () => {
    const server = await startModelServer();
    await using stage = await openStage(familyOn(server, family));
    await server.close();
    await failureOf(stage.callModel(stage.message('hi')));
    const [retrying] = await stage.eventsOf('model.retrying');
    expect(retrying?.data.error.code).toBe('network_error');
  });

  it('is left at once when a person interrupts', async () =>
    withServer(family, async (stage, server) => {
      const text = 'word '.repeat(3_000);
      server.script({ text, tokenDelayMs: 10 });
      const input = stage.message('hi');
      const work = stage.callModel(input).catch((error: unknown) => error);
      await untilStreaming(stage);
      await seal(stage, input);
      expect(await work).toMatchObject({ type: 'AttemptSealed' });
      await expect.poll(() => server.requests[0]?.left).toBe(true);
      expect(server.requests[0]?.finished).toBe(false);
      const partial = (await stage.eventsOf('content.completed'))[0]?.data.text ?? '';
      expect(partial.length).toBeGreaterThan(0);
      expect(text.startsWith(partial)).toBe(true);
    }));

  it('without a key fails the turn and says which variable to set', async () =>
    withServer(
      family,
      async (stage, server) => {
        expect(await stage.callModel(stage.message('hi'))).toMatchObject({
          outcome: 'failed',
          error: {
            code: 'model_rejected',
            message: expect.stringMatching(/set the environment variable \w+_KEY/),
          },
        });
        expect(server.requests).toHaveLength(0);
      },
      { secrets: {} },
    ));
});
