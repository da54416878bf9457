import { describe, expect, it } from 'vitest';
import type { PerdureEvent } from '../../contracts/events.ts';
import { stage } from './stage.ts';

const SOON = { timeout: 30_000 };
const isSettled = ({ type }: PerdureEvent): boolean => type === 'turn.settled';
const isDelta = ({ type }: PerdureEvent): boolean => type === 'content.delta';

const completedText = (events: readonly PerdureEvent[]): string =>
  events
    .flatMap((event) =>
      event.type === 'content.completed' && 'text' in event.data ? [event.data.text] : [],
    )
    .join('');

const status = async (url: string): Promise<number> => {
  const response = await fetch(url);
  await response.body?.cancel();
  return response.status;
};

describe('a worker', () => {
  it('answers sessions, tells its health and its figures, and leaves nothing behind after a drain', async () => {
    await using on = await stage();
    const worker = await on.worker();
    const { sessionId } = await on.ask('#word tokens=5');
    const events = await on.follow(sessionId, isSettled);
    expect(completedText(events)).toBe(on.model.requests[0]?.text);

    await expect.poll(() => worker.missing(), SOON).toEqual([]);
    expect(await status(`${on.healthUrl}/healthz`)).toBe(200);
    expect(await status(`${on.healthUrl}/readyz`)).toBe(200);
    expect(await status(`${on.healthUrl}/elsewhere`)).toBe(404);
    const figures = await (await fetch(`${on.healthUrl}/metrics`)).text();
    expect(figures).toContain('perdure_model_step_seconds_count{provider="fake"');
    expect(figures).toMatch(/temporal_worker_task_slots_available\{.*perdure-sessions.*\} 1200/);

    expect(figures).toContain('perdure_turns_total{outcome="completed"} 1');
    expect(figures).toMatch(/perdure_tokens_total\{model="fake",direction="output"\} [1-9]/);
    expect(figures).toMatch(/perdure_journal_batch_operations_count [1-9]/);

    await worker.drain();
    await expect(worker.ended).resolves.toBeUndefined();
    await expect(fetch(`${on.healthUrl}/healthz`)).rejects.toThrow();
  });

  it('lets a running step finish while it drains', async () => {
    await using on = await stage({ drainMs: 120_000 });
    const worker = await on.worker();
    const { sessionId } = await on.ask('#word tokens=60 delay=20');
    await on.follow(sessionId, isDelta);
    await worker.drain();
    const events = await on.follow(sessionId, isSettled);
    expect(completedText(events)).toBe(on.model.requests[0]?.text);
    expect(on.model.requests).toHaveLength(1);
  });

  it('hands a step over that takes longer than the drain: no failure, no charge, the whole answer', async () => {
    await using on = await stage({ drainMs: 300 });
    const first = await on.worker();
    const { sessionId, turn } = await on.ask('#word tokens=100 delay=50');
    await on.follow(sessionId, isDelta);
    await first.drain();
    const second = await on.worker();
    const events = await on.follow(sessionId, isSettled);
    expect(completedText(events)).toBe(on.model.requests[0]?.text);
    expect(events.filter(({ type }) => type === 'attempt.superseded')).toHaveLength(1);
    expect(events.filter(({ type }) => type === 'model.retrying')).toEqual([]);
    expect(events.at(-1)).toMatchObject({ turn, data: { outcome: 'completed' } });
    expect(on.model.requests).toHaveLength(2);
    await second.drain();
  });

  it('is not ready without Temporal, and ends with an error when it is gone for good', async () => {
    await using on = await stage({ drainMs: 100 });
    const worker = await on.worker({ goneAfterMs: 5_000 });
    expect(await worker.missing()).toEqual([]);
    await on.temporal.stop();
    await expect(worker.ended).rejects.toMatchObject({ code: 'engine_unavailable' });
    expect(await worker.missing()).toEqual(['worker', 'temporal']);
  });

  it('is not ready without its journal', async () => {
    await using on = await stage();
    const broken = { ...on.journal, ping: () => Promise.reject(new Error('gone')) };
    const worker = await on.worker({ journal: broken });
    expect(await worker.missing()).toEqual(['journal']);
    expect(await status(`${on.healthUrl}/readyz`)).toBe(503);
    await worker.drain();
  });
});
