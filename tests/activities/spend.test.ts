import { APICallError } from '@ai-sdk/provider';
import { describe, expect, it } from 'vitest';
import type { ModelStepInput, ModelStepResult } from '../../contracts/activities.ts';
import { NO_SPEND, addSpend, totalTokens } from '../../contracts/usage.ts';
import type { Spend } from '../../contracts/usage.ts';
import type { ScriptedAnswer, ScriptedRequest } from '../../testing/scripted-model.ts';
import type { Stage } from './stage.ts';
import { LONG, failureType, scripted, seal, untilStreaming } from './scripted-stage.ts';

const PRICES = { inputUsdPerMTok: 1_000, outputUsdPerMTok: 10_000 };
const PRICED = { model: { settings: PRICES } };
const WINDOW = { contextTokens: 2_000, maxOutputTokens: 200, model: 'gpt-5', ...PRICES };

const isSummary = ({ prompt }: ScriptedRequest): boolean =>
  JSON.stringify(prompt).includes('You compress conversations');

/** Dollars are sums of floating-point numbers. */
const rounded = ({ usage, costUsd }: Spend) => ({ usage, costUsd: Math.round(costUsd * 1e9) });
const sumOf = (spends: readonly Spend[]) =>
  rounded(
    spends.map(({ usage, costUsd }) => ({ usage, costUsd })).reduce(addSpend, { ...NO_SPEND }),
  );

/** The log, the session's row, its settled turns and what the workflow was told have one sum, and not an empty one. */
async function expectOneSum(stage: Stage, told: readonly ModelStepResult[]): Promise<void> {
  const row = await stage.journal.sessions.get(stage.sessionId);
  const recorded = sumOf((await stage.eventsOf('usage.recorded')).map(({ data }) => data));
  expect(recorded.costUsd).toBeGreaterThan(0);
  expect(rounded(row?.spend ?? NO_SPEND)).toEqual(recorded);
  expect(sumOf((await stage.eventsOf('turn.settled')).map(({ data }) => data))).toEqual(recorded);
  expect(sumOf(told.map(({ spend }) => spend))).toEqual(recorded);
}

/** A conversation that is summarized with the next long message; each summary is the next of these. */
async function fullWindow(...summaries: ScriptedAnswer[]) {
  const { stage, model } = await scripted(
    Array.from({ length: 40 }, () => (request: ScriptedRequest) => {
      if (!isSummary(request)) return { text: 'sheep '.repeat(100) };
      return summaries.shift() ?? { text: 'SUMMARY: sheep.' };
    }),
    { model: { settings: WINDOW } },
  );
  const told: ModelStepResult[] = [];
  for (let n = 0; n < 4; n++)
    told.push(await stage.callModel(stage.message(`question ${n} ${'baa '.repeat(30)}`)));
  const long = (more?: Partial<ModelStepInput>) =>
    stage.message(`and ${'baa '.repeat(1_000)}`, more);
  return { stage, model, told, long };
}

const asked = (requests: readonly ScriptedRequest[]): string[] =>
  requests.map((request) => (isSummary(request) ? 'summary' : 'answer'));

describe('a summary', () => {
  it('is paid for by the step that asked for it: all sums agree', async () => {
    const usage = { inputTokens: 1_500, outputTokens: 5 };
    const { stage, model, told, long } = await fullWindow({ text: 'SUMMARY: sheep.', usage });
    await using _ = stage;
    expect(await stage.eventsOf('usage.recorded')).toHaveLength(4);
    told.push(await stage.callModel(long()));
    expect(asked(model.requests.slice(4))).toEqual(['summary', 'answer']);
    const recorded = (await stage.eventsOf('usage.recorded')).slice(4).map(({ data }) => data);
    expect(recorded.map((data) => data.usage.inputTokens)).toEqual([1_500, expect.any(Number)]);
    expect(recorded.some(({ estimated }) => estimated)).toBe(false);
    expect(told.at(-1)?.spend.usage.inputTokens).toBeGreaterThan(1_500);
    await expectOneSum(stage, told);
  });

  it('counts against the limits before the answer is asked for', async () => {
    const usage = { inputTokens: 1_500, outputTokens: 5 };
    for (const of of ['turn', 'session']) {
      const { stage, model, told, long } = await fullWindow({ text: 'SUMMARY: sheep.', usage });
      await using _ = stage;
      const spent = told.reduce((all, { spend }) => all + totalTokens(spend.usage), 0);
      const session = { tokens: spent + 2_500, usd: null };
      const allowance =
        of === 'turn' ? { tokens: 2_500, usd: null } : { tokens: null, usd: null, session };
      const result = await stage.callModel(long({ allowance }));
      expect(result.outcome).toBe('limit_exceeded');
      expect(asked(model.requests.slice(4))).toEqual(['summary']);
    }
  });

  it('that breaks off is charged as far as it came, and so is the one that is made again', async () => {
    const broken = { text: 'SUMMARY', failure: { afterWords: 1, error: new Error('broken') } };
    const { stage, model, told, long } = await fullWindow(broken);
    await using _ = stage;
    const input = long();
    expect(await failureType(stage.callModel(input))).toBe('ModelFailed');
    told.push(await stage.callModel(input, { attempt: 2 }));
    expect(asked(model.requests.slice(4))).toEqual(['summary', 'summary', 'answer']);
    const recorded = (await stage.eventsOf('usage.recorded')).slice(4).map(({ data }) => data);
    expect(recorded.map(({ estimated }) => estimated)).toEqual([true, undefined, undefined]);
    expect(recorded[0]?.usage.outputTokens).toBeGreaterThan(0);
    await expectOneSum(stage, told);
  });

  it('that a person interrupts is charged at once', async () => {
    const { stage, model, told, long } = await fullWindow({ text: LONG, wordDelayMs: 5 });
    await using _ = stage;
    const input = long();
    const stopped = failureType(stage.callModel(input));
    await expect.poll(() => model.requests.length).toBe(5);
    const { spend } = await seal(stage, input);
    expect(spend.usage.inputTokens).toBeGreaterThan(500);
    expect(await stopped).toBe('AttemptSealed');
    const [settled] = (await stage.eventsOf('turn.settled')).slice(-1);
    expect(rounded(settled?.data ?? NO_SPEND)).toEqual(rounded(spend));
    expect(told).toHaveLength(4);
  });
});

describe('an attempt that another one replaces', () => {
  it('is charged by the next one for what it had streamed, and not again when its worker comes back', async () => {
    const { stage, model } = await scripted(
      [{ text: LONG, wordDelayMs: 5 }, { text: 'Second.' }],
      PRICED,
    );
    await using _ = stage;
    const input = stage.message('go');
    const first = failureType(stage.callModel(input));
    await untilStreaming(stage, 3);
    const result = await stage.callModel(input, { attempt: 2 });
    // Its worker has noted what the call used, or would have.
    expect(await first).toBe('AttemptSuperseded');
    expect(model.requests).toHaveLength(2);
    const recorded = await stage.eventsOf('usage.recorded');
    expect(recorded.map(({ attempt, data }) => [attempt, data.estimated])).toEqual([
      [1, true],
      [2, undefined],
    ]);
    expect(recorded[0]?.data.usage.outputTokens).toBeGreaterThan(0);
    await expectOneSum(stage, [result]);
  });

  it('counts against the limits of the turn and of the session', async () => {
    const request = await requestTokens();
    const limit = { tokens: Math.ceil(request * 1.5), usd: null };
    for (const allowance of [limit, { tokens: null, usd: null, session: limit }]) {
      const { stage, model } = await scripted([{ text: LONG, wordDelayMs: 5 }], PRICED);
      await using _ = stage;
      const input = stage.message('go', { allowance });
      const first = failureType(stage.callModel(input));
      await untilStreaming(stage, 3);
      const result = await stage.callModel(input, { attempt: 2 });
      expect(result.outcome).toBe('limit_exceeded');
      expect(await first).toBe('AttemptSuperseded');
      expect(model.requests).toHaveLength(1);
      await expectOneSum(stage, [result]);
    }
  });
});

/** Of the shortest request, as they are estimated. */
async function requestTokens(): Promise<number> {
  const { stage } = await scripted([{ text: LONG, wordDelayMs: 5 }]);
  await using _ = stage;
  const input = stage.message('go');
  const stopped = failureType(stage.callModel(input));
  await untilStreaming(stage);
  const { spend } = await seal(stage, input);
  await stopped;
  return spend.usage.inputTokens;
}

describe('an attempt that fails', () => {
  const refused = new APICallError({
    message: 'overloaded',
    url: 'http://provider',
    requestBodyValues: {},
    statusCode: 529,
  });

  it('is charged where the provider had begun to answer, and costs nothing where it refused', async () => {
    const { stage } = await scripted(
      [
        { failure: { error: refused } },
        { text: 'one two three', failure: { afterWords: 2, error: new Error('broken') } },
        { text: 'Done.' },
      ],
      PRICED,
    );
    await using _ = stage;
    const input = stage.message('go');
    for (const attempt of [1, 2])
      expect(await failureType(stage.callModel(input, { attempt }))).toBe('ModelFailed');
    const result = await stage.callModel(input, { attempt: 3 });
    const recorded = await stage.eventsOf('usage.recorded');
    expect(recorded.map(({ attempt }) => attempt)).toEqual([2, 3]);
    await expectOneSum(stage, [result]);
  });

  it('for the last time, and then gives way to the fallback model, is in all sums', async () => {
    const broken = (): ScriptedAnswer => ({
      text: 'one two',
      failure: { afterWords: 1, error: new Error('broken') },
    });
    const { stage } = await scripted(Array.from({ length: 6 }, broken), {
      ...PRICED,
      models: {
        main: { provider: 'demo', model: 'main' },
        spare: { provider: 'demo', model: 'spare' },
      },
      agent: { fallbackModels: ['spare'] },
    });
    await using _ = stage;
    const input = stage.message('go');
    for (let attempt = 1; attempt <= 5; attempt++)
      await failureType(stage.callModel(input, { attempt }));
    const result = await stage.callModel(input, { attempt: 6 });
    expect(result.outcome).toBe('failed');
    const recorded = await stage.eventsOf('usage.recorded');
    expect(recorded.map(({ data }) => data.model)).toEqual([
      ...Array.from({ length: 3 }, () => 'main'),
      ...Array.from({ length: 3 }, () => 'spare'),
    ]);
    await expectOneSum(stage, [result]);
  });
});
