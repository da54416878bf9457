import { ApplicationFailure, CancelledFailure } from '@temporalio/common';
import { ActivityCancellationDetails } from '@temporalio/common';
import { describe, expect, it } from 'vitest';
import type { ModelStepInput } from '../../contracts/activities.ts';
import { PerdureError } from '../../contracts/perdure-error.ts';
import type { Journal } from '../../journal/port.ts';
import { scriptedModel } from '../../testing/scripted-model.ts';
import type { ScriptEntry, ScriptedModelOptions } from '../../testing/scripted-model.ts';
import { activityEnvironment, nextStep, openStage } from './stage.ts';
import type { Stage, StageOptions } from './stage.ts';

async function scripted(
  script: ScriptEntry[],
  options: StageOptions & { model?: ScriptedModelOptions } = {},
) {
  const model = scriptedModel(script, options.model);
  return { model, stage: await openStage({ ...options, resolver: model.resolver }) };
}

const failureType = (work: Promise<unknown>): Promise<string | null | undefined> =>
  work.then(
    (value) => Promise.reject(new Error(`no failure, but ${JSON.stringify(value)}`)),
    (error: unknown) => {
      if (error instanceof ApplicationFailure) return error.type;
      if (error instanceof CancelledFailure) return 'Cancelled';
      throw error;
    },
  );

/** Resolves once the step streams. */
async function untilStreaming(stage: Stage, deltas = 1): Promise<void> {
  const stop = new AbortController();
  let seen = 0;
  for await (const events of stage.journal.events.tail(stage.sessionId, {
    after: 0,
    signal: stop.signal,
  })) {
    seen += events.filter(({ type }) => type === 'content.delta').length;
    if (seen >= deltas) return stop.abort();
  }
}

const LONG = Array.from({ length: 400 }, (_, i) => `w${i} `).join('');
const seal = (stage: Stage, input: ModelStepInput) =>
  stage.journal.steps.seal({
    sessionId: input.sessionId,
    turn: input.turn,
    step: input.step,
    cause: 'interrupt',
    messages: input.messages,
    turnSpend: {
      usage: { inputTokens: 0, outputTokens: 0, cachedInputTokens: 0, reasoningTokens: 0 },
      costUsd: 0,
    },
  });

describe('a step that is finished in the journal', () => {
  it('is returned again without a model call, an event or a second charge', async () => {
    const { model, stage } = await scripted([{ text: 'Once.' }]);
    await using _ = stage;
    const input = stage.message('hi');
    const first = await stage.callModel(input);
    const before = await stage.events();
    expect(await stage.callModel(input, { attempt: 2 })).toEqual(first);
    expect(await stage.events()).toEqual(before);
    model.assertDone();
  });
});

describe('an interrupt', () => {
  it('stops the call, charges what it used, and is not tried again', async () => {
    const { stage, model } = await scripted([{ text: LONG, wordDelayMs: 5 }], {
      model: { settings: { inputUsdPerMTok: 10, outputUsdPerMTok: 10 } },
    });
    await using _ = stage;
    const input = stage.message('tell me a lot');
    const type = failureType(stage.callModel(input));
    await untilStreaming(stage, 3);
    await seal(stage, input);
    expect(await type).toBe('AttemptSealed');
    const row = await stage.journal.sessions.get(stage.sessionId);
    expect(row?.spend.costUsd).toBeGreaterThan(0);
    expect(model.requests).toHaveLength(1);
    const [settled] = await stage.eventsOf('turn.settled');
    expect(settled?.data.outcome).toBe('interrupted');
  });

  it('reaches the provider: the request ends', async () => {
    let aborted = false;
    const { stage } = await scripted([{ text: LONG, wordDelayMs: 5 }]);
    await using _ = stage;
    const input = stage.message('go');
    const work = stage.callModel(input).catch(() => (aborted = true));
    await untilStreaming(stage);
    await seal(stage, input);
    await work;
    expect(aborted).toBe(true);
    const count = (await stage.eventsOf('content.delta')).length;
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect((await stage.eventsOf('content.delta')).length).toBe(count);
  });
});

describe('a step that a newer attempt has taken over', () => {
  it('writes nothing more and is not retried', async () => {
    const { stage } = await scripted([{ text: LONG, wordDelayMs: 5 }, { text: 'Second.' }]);
    await using _ = stage;
    const input = stage.message('go');
    const first = failureType(stage.callModel(input));
    await untilStreaming(stage);
    expect((await stage.callModel(input, { attempt: 2 })).outcome).toBe('completed');
    expect(await first).toBe('AttemptSuperseded');
    const completed = await stage.eventsOf('content.completed');
    expect(completed.map(({ data, attempt }) => [data.text, attempt])).toEqual([['Second.', 2]]);
    expect((await stage.eventsOf('attempt.superseded'))[0]?.data.attempt).toBe(1);
  });

  it('that comes too late never begins', async () => {
    const { stage, model } = await scripted([{ text: 'New.', wordDelayMs: 0 }]);
    await using _ = stage;
    const input = stage.message('go');
    const late = activityEnvironment({ attempt: 1 });
    await stage.callModel(input, { attempt: 2 });
    const other = { ...input, model: 'another' };
    expect(await failureType(stage.callModel(other, { env: late }))).toBe('AttemptSuperseded');
    expect(model.requests).toHaveLength(1);
  });
});

describe('a worker that shuts down', () => {
  it('is an interruption: retried at once, not charged to the provider, never a success', async () => {
    const { stage } = await scripted([{ text: LONG, wordDelayMs: 5 }, { text: 'Again.' }]);
    await using _ = stage;
    const input = stage.message('go');
    const env = activityEnvironment();
    const type = failureType(stage.callModel(input, { env }));
    await untilStreaming(stage);
    env.cancel('WORKER_SHUTDOWN', new ActivityCancellationDetails({ workerShutdown: true }));
    expect(await type).toBe('WorkerShutdown');
    expect(await stage.eventsOf('turn.settled')).toEqual([]);
    expect((await stage.callModel(input, { attempt: 2 })).outcome).toBe('completed');
  });

  it('ten times fails the turn as worker_unavailable', async () => {
    const script = Array.from({ length: 10 }, () => ({ text: LONG, wordDelayMs: 5 }));
    const { stage, model } = await scripted(script);
    await using _ = stage;
    const input = stage.message('go');
    for (let attempt = 1; attempt <= 10; attempt++) {
      const env = activityEnvironment({ attempt });
      const type = failureType(stage.callModel(input, { env }));
      setTimeout(() => env.cancel('WORKER_SHUTDOWN'), 30);
      expect(await type).toBe('WorkerShutdown');
    }
    expect(await stage.callModel(input, { attempt: 11 })).toMatchObject({
      outcome: 'failed',
      error: { code: 'worker_unavailable' },
    });
    expect(model.requests).toHaveLength(10);
  });
});

describe('a cancellation by Temporal', () => {
  it('ends the call as cancelled', async () => {
    const { stage } = await scripted([{ text: LONG, wordDelayMs: 5 }]);
    await using _ = stage;
    const env = activityEnvironment();
    const type = failureType(stage.callModel(stage.message('go'), { env }));
    await untilStreaming(stage);
    env.cancel('CANCELLED');
    expect(await type).toBe('Cancelled');
  });
});

describe('heartbeats', () => {
  it('go on while the model says nothing', async () => {
    const { stage } = await scripted([{ text: 'a b', wordDelayMs: 200 }], {
      timeouts: { heartbeatThrottleMs: 20 },
    });
    await using _ = stage;
    const env = activityEnvironment();
    let beats = 0;
    env.on('heartbeat', () => beats++);
    await stage.callModel(stage.message('go'), { env });
    expect(beats).toBeGreaterThan(3);
  });
});

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

const unreachable = () => new PerdureError('journal_unavailable', 'gone');

/** A journal whose append fails `failures` times, before or after it really wrote. */
const failingAppend =
  (failures: number, when: 'before' | 'after') =>
  (journal: Journal): Journal => {
    let left = failures;
    const append: Journal['steps']['append'] = async (attempt, events) => {
      const fail = left > 0 && events.some(({ type }) => type === 'content.delta');
      if (fail) left--;
      if (fail && when === 'before') throw unreachable();
      const seq = await journal.steps.append(attempt, events);
      if (fail) throw unreachable();
      return seq;
    };
    return { ...journal, steps: { ...journal.steps, append } };
  };

describe('a journal that fails in mid-stream', () => {
  it.each(['before', 'after'] as const)(
    'for a moment, %s it wrote, costs no text and repeats none',
    async (when) => {
      const { stage } = await scripted([{ text: LONG, wordDelayMs: 1 }], {
        spoil: failingAppend(3, when),
      });
      await using _ = stage;
      expect((await stage.callModel(stage.message('go'))).outcome).toBe('completed');
      const deltas = await stage.eventsOf('content.delta');
      expect(deltas.map(({ data }) => data.text).join('')).toBe(LONG);
      expect(await stage.eventsOf('model.started')).toHaveLength(1);
    },
  );

  it('when the step is claimed is an interruption: nothing is charged, nobody is asked', async () => {
    const { stage, model } = await scripted([], {
      spoil: (journal) => ({
        ...journal,
        steps: { ...journal.steps, claim: () => Promise.reject(unreachable()) },
      }),
    });
    await using _ = stage;
    await expect(stage.callModel(stage.message('go'))).rejects.toMatchObject({
      type: 'journal_unavailable',
      nonRetryable: false,
    });
    expect(model.requests).toHaveLength(0);
  });
});

describe('what a model says', () => {
  it('over 32 KiB is kept as an artifact', async () => {
    const text = 'word '.repeat(8_000);
    const { stage } = await scripted([{ text }]);
    await using _ = stage;
    await stage.callModel(stage.message('go'));
    const [completed] = await stage.eventsOf('content.completed');
    expect(completed?.data.text).toBeUndefined();
    const found = await stage.journal.artifacts.get(
      'acme',
      completed?.data.artifact?.artifact ?? '',
    );
    expect(Buffer.from(found?.bytes ?? []).toString()).toBe(text);
  });

  it('with NUL and half characters in it is kept in a form that every database takes', async () => {
    const { stage } = await scripted([{ text: 'a\0b \ud83d\ude00 \ud83d end' }]);
    await using _ = stage;
    await stage.callModel(stage.message('go'));
    const [completed] = await stage.eventsOf('content.completed');
    expect(completed?.data.text).toBe('a\uFFFDb \u{1f600} \uFFFD end');
  });

  it('with thoughts is told apart from its thoughts', async () => {
    const { stage } = await scripted([{ reasoning: 'Let me see. ', text: 'Yes.' }]);
    await using _ = stage;
    await stage.callModel(stage.message('go'));
    const completed = await stage.eventsOf('content.completed');
    expect(completed.map(({ data }) => [data.kind, data.text])).toEqual([
      ['reasoning', 'Let me see. '],
      ['text', 'Yes.'],
    ]);
  });
});

describe('a tool that a client declared', () => {
  it('is offered to the client with its checked arguments', async () => {
    const { stage, model } = await scripted(
      [{ calls: [{ name: 'ask_price', input: { item: 'milk' } }] }],
      {
        tools: [
          {
            name: 'ask_price',
            description: 'Asks the shop.',
            inputSchema: {
              type: 'object',
              properties: { item: { type: 'string' } },
              required: ['item'],
            },
            effect: 'never-retry',
          },
        ],
      },
    );
    await using _ = stage;
    const result = await stage.callModel(stage.message('go'));
    expect(model.requests[0]?.tools).toContain('ask_price');
    expect(result).toMatchObject({
      outcome: 'tool_calls',
      calls: [{ name: 'ask_price', mode: 'client', effect: 'never-retry', timeoutMs: 300_000 }],
    });
    const pending = await stage.journal.ledger.pending({ tenant: 'acme' }, 10);
    expect(pending.map(({ arguments: json }) => json)).toEqual(['{"item":"milk"}']);
  });
});
