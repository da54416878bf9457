import type { ApplicationFailure } from '@temporalio/common';
import { StreamProviderError } from 'ai';
import { describe, expect, it } from 'vitest';
import { foldEvents } from '../../contracts/projections/turns.ts';
import { PerdureError } from '../../contracts/perdure-error.ts';
import type { ScriptEntry } from '../../testing/scripted-model.ts';
import { activityEnvironment, nextStep } from './stage.ts';
import { LONG, failureType, scripted, seal, untilStreaming } from './scripted-stage.ts';

const outage = (): ScriptEntry => ({ failure: { error: new Error('broken') } });
const FALLBACK = {
  models: {
    main: { provider: 'demo', model: 'main' },
    spare: { provider: 'demo', model: 'spare' },
  },
  agent: { fallbackModels: ['spare'] },
};

describe('the budget of three failures', () => {
  it('ends with max_attempts_exceeded, each wait twice as long as the one before', async () => {
    const { stage, model } = await scripted([outage(), outage(), outage()]);
    await using _ = stage;
    const input = stage.message('go');
    const waits: unknown[] = [];
    for (const attempt of [1, 2]) {
      const failure: unknown = await stage.callModel(input, { attempt }).catch((e: unknown) => e);
      waits.push((failure as ApplicationFailure).nextRetryDelay);
    }
    expect(waits).toEqual([1_000, 2_000]);
    expect(await stage.callModel(input, { attempt: 3 })).toMatchObject({
      outcome: 'failed',
      error: { code: 'max_attempts_exceeded', message: expect.stringContaining('broken') },
    });
    expect((await stage.eventsOf('turn.settled'))[0]?.data.outcome).toBe('failed');
    model.assertDone();
  });

  it('is not used up by a worker that dies in between', async () => {
    const { stage } = await scripted([
      outage(),
      { text: LONG, wordDelayMs: 5 },
      outage(),
      { text: 'Made it.' },
    ]);
    await using _ = stage;
    const input = stage.message('go');
    await failureType(stage.callModel(input, { attempt: 1 }));
    const env = activityEnvironment({ attempt: 2 });
    const shut = failureType(stage.callModel(input, { env }));
    await untilStreaming(stage);
    env.cancel('WORKER_SHUTDOWN');
    expect(await shut).toBe('WorkerShutdown');
    await failureType(stage.callModel(input, { attempt: 3 }));
    expect((await stage.callModel(input, { attempt: 4 })).outcome).toBe('completed');
  });

  it('then goes over to the fallback model, with a budget of its own', async () => {
    const { stage } = await scripted(
      [...Array.from({ length: 5 }, outage), { text: 'Spare.' }],
      FALLBACK,
    );
    await using _ = stage;
    const input = stage.message('go');
    const types: unknown[] = [];
    for (let attempt = 1; attempt <= 5; attempt++)
      types.push(await failureType(stage.callModel(input, { attempt })));
    expect(types).toEqual([
      'ModelFailed',
      'ModelFailed',
      'ModelFallback',
      'ModelFailed',
      'ModelFailed',
    ]);
    expect((await stage.callModel(input, { attempt: 6 })).outcome).toBe('completed');
    expect((await stage.eventsOf('model.switched'))[0]?.data).toEqual({
      from: 'main',
      to: 'spare',
      reason: 'fallback',
    });
    expect((await stage.eventsOf('model.started')).at(-1)?.data.model).toBe('spare');
  });

  it('leaves a log in which every call begins before it ends, however soon it failed', async () => {
    const { stage } = await scripted(Array.from({ length: 6 }, outage), FALLBACK);
    await using _ = stage;
    const input = stage.message('go');
    for (let attempt = 1; attempt <= 5; attempt++)
      await failureType(stage.callModel(input, { attempt }));
    expect((await stage.callModel(input, { attempt: 6 })).outcome).toBe('failed');
    const calls = (await stage.events()).filter(
      ({ type }) => type === 'model.started' || type === 'model.settled',
    );
    expect(calls.map(({ type, attempt }) => `${attempt} ${type}`)).toEqual(
      [1, 2, 3, 4, 5, 6].flatMap((attempt) => [
        `${attempt} model.started`,
        `${attempt} model.settled`,
      ]),
    );
  });

  it('also where the request was found too long, and was made again by the same attempt', async () => {
    const code = 'context_length_exceeded';
    const tooLong = new StreamProviderError({ message: 'too long', code });
    const { stage } = await scripted([
      { text: 'a word or two', wordDelayMs: 40, failure: { afterWords: 2, error: tooLong } },
      { text: 'Shorter.' },
    ]);
    await using _ = stage;
    expect((await stage.callModel(stage.message('go'))).outcome).toBe('completed');
    const calls = (await stage.events()).filter(({ type }) => type.startsWith('model.'));
    expect(calls.map(({ type, attempt }) => `${attempt} ${type}`)).toEqual([
      '1 model.started',
      '1 model.settled',
      '1 model.started',
      '1 model.settled',
    ]);
    expect(foldEvents(await stage.events()).turns[0]?.steps[0]).toMatchObject({
      outcome: 'completed',
      error: null,
    });
  });

  it('is not spent on a wrong key: the fallback model is next', async () => {
    const wrongKey = new PerdureError('model_rejected', 'no key');
    const { stage } = await scripted(
      [{ failure: { error: wrongKey } }, { text: 'Spare.' }],
      FALLBACK,
    );
    await using _ = stage;
    const input = stage.message('go');
    expect(await failureType(stage.callModel(input))).toBe('ModelFallback');
    expect((await stage.callModel(input, { attempt: 2 })).outcome).toBe('completed');
  });

  it('is not spent on refused content, and neither is the fallback model', async () => {
    const { stage, model } = await scripted(
      [{ text: 'x', finishReason: 'content-filter' }],
      FALLBACK,
    );
    await using _ = stage;
    expect((await stage.callModel(stage.message('go'))).outcome).toBe('failed');
    expect(model.requests).toHaveLength(1);
  });
});

describe('the circuit breaker', () => {
  it('opens after ten failures in a row over all sessions, and then nobody is charged', async () => {
    const refused = (): ScriptEntry => ({
      failure: {
        error: Object.assign(new Error('fetch failed'), { cause: { code: 'ECONNREFUSED' } }),
      },
    });
    const { stage, model } = await scripted(Array.from({ length: 10 }, refused));
    await using _ = stage;
    for (let turn = 0; turn < 10; turn++)
      expect(await failureType(stage.callModel(stage.message('go')))).toBe('ModelFailed');
    expect(await failureType(stage.callModel(stage.message('go')))).toBe('CircuitOpen');
    expect(model.requests).toHaveLength(10);
    const [retrying] = (await stage.eventsOf('model.retrying')).slice(-1);
    expect(retrying?.data).toMatchObject({ failures: 0, error: { code: 'model_unavailable' } });
  });

  it('does not make a turn wait longer than five minutes', async () => {
    const { stage } = await scripted(
      Array.from({ length: 10 }, () => ({ failure: { error: new Error('fetch failed') } })),
    );
    await using _ = stage;
    for (let turn = 0; turn < 10; turn++) await failureType(stage.callModel(stage.message('go')));
    const scheduledAt = Date.now() - 301_000;
    expect(await stage.callModel(stage.message('go'), { scheduledAt })).toMatchObject({
      outcome: 'failed',
      error: { code: 'model_unavailable' },
    });
  });
});

describe('limits', () => {
  it('shorten the answer to what is left', async () => {
    const { stage, model } = await scripted([{ text: 'cut', finishReason: 'length' }], {
      files: {},
    });
    await using _ = stage;
    const result = await stage.callModel(
      stage.message('hi', { allowance: { tokens: 1_000, usd: null } }),
    );
    expect(model.requests[0]?.maxOutputTokens).toBeLessThan(1_000);
    expect(result.outcome).toBe('limit_exceeded');
  });

  it('settle the turn without a model call when nothing is left', async () => {
    const { stage, model } = await scripted([], {
      model: { settings: { inputUsdPerMTok: 1, outputUsdPerMTok: 1 } },
    });
    await using _ = stage;
    for (const [allowance, outcome] of [
      [{ tokens: 3, usd: null }, 'limit_exceeded'],
      [{ tokens: null, usd: 1e-9 }, 'budget_exhausted'],
    ] as const)
      expect((await stage.callModel(stage.message('hi', { allowance }))).outcome).toBe(outcome);
    expect(model.requests).toHaveLength(0);
    const settled = await stage.eventsOf('turn.settled');
    expect(settled.map(({ data }) => data.outcome)).toEqual(['limit_exceeded', 'budget_exhausted']);
  });

  it('of the session are held against the journal: interrupting in time does not walk around them', async () => {
    const { stage, model } = await scripted([{ text: LONG, wordDelayMs: 5 }], {
      model: { settings: { inputUsdPerMTok: 1_000, outputUsdPerMTok: 10_000 } },
    });
    await using _ = stage;
    const limit = { tokens: null, usd: 0.05 };
    const allowance = { tokens: null, usd: 10, session: limit };
    const input = stage.message('tell me a lot', { allowance: { tokens: null, usd: 10 } });
    const stopped = failureType(stage.callModel(input));
    await untilStreaming(stage, 3);
    const sealed = await seal(stage, input);
    // The workflow goes on with this, whatever the worker still says.
    expect(sealed.spend.costUsd).toBeGreaterThan(0.05);
    const [settled] = await stage.eventsOf('turn.settled');
    expect(settled?.data).toMatchObject(sealed.spend);
    expect(await stopped).toBe('AttemptSealed');
    const spent = (await stage.journal.sessions.get(stage.sessionId))?.spend;
    expect(spent?.costUsd).toBeGreaterThanOrEqual(sealed.spend.costUsd);
    // No second charge: request and answer were charged once.
    expect(spent?.usage.inputTokens).toBe(sealed.spend.usage.inputTokens);
    const result = await stage.callModel(stage.message('and now?', { allowance }));
    expect(result.outcome).toBe('budget_exhausted');
    expect(model.requests).toHaveLength(1);
  });

  it('report the sum of a turn', async () => {
    const { stage } = await scripted([
      { calls: [{ name: 'list_files', input: {} }], usage: { inputTokens: 10, outputTokens: 1 } },
      { text: 'done', usage: { inputTokens: 20, outputTokens: 2 } },
    ]);
    await using _ = stage;
    const first = stage.message('go');
    const asked = await stage.callModel(first);
    await stage.callModel({ ...nextStep(first), turnSpend: asked.spend });
    expect((await stage.eventsOf('turn.settled'))[0]?.data.usage).toMatchObject({
      inputTokens: 30,
      outputTokens: 3,
    });
  });
});
