import { ActivityCancellationDetails } from '@temporalio/common';
import { describe, expect, it } from 'vitest';
import { activityEnvironment } from './stage.ts';
import { LONG, failureType, scripted, seal, untilStreaming } from './scripted-stage.ts';

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
    const another = stage.message('and more').messages;
    const other = { ...input, messages: [...input.messages, ...another] };
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
      await expect.poll(() => model.requests.length).toBe(attempt);
      env.cancel('WORKER_SHUTDOWN');
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
    const { stage } = await scripted([{ text: 'a b', wordDelayMs: 60_000 }], {
      timeouts: { heartbeatThrottleMs: 20, modelSilenceMs: 60_000 },
    });
    await using _ = stage;
    const env = activityEnvironment();
    let beats = 0;
    env.on('heartbeat', () => ++beats === 4 && env.cancel('CANCELLED'));
    expect(await failureType(stage.callModel(stage.message('go'), { env }))).toBe('Cancelled');
  });
});
