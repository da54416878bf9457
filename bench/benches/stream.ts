/** Many answers at once: how late a token reaches its client, and whether every client's text is exact. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { PerdureEvent } from '../../contracts/events.ts';
import { inBatches } from '../load/batches.ts';
import { openSession } from '../load/session.ts';
import type { OpenSession } from '../load/session.ts';
import { clock, exactness, lagMs, promptText, tokensOf } from '../model/script.ts';
import { figuresOf, say } from '../report.ts';
import type { BenchOptions, Outcome, Row } from '../report.ts';
import { startStack } from '../stack/stack.ts';
import type { Stack } from '../stack/stack.ts';
import { median, quantile } from '../statistics.ts';

const PER_SECOND = 20;
const MODERATE = 300;
const MANY = 1_000;
const ROUNDS = 5;
/** How long it may take until all sessions stream, per session; their answers are that much longer. */
const RAMP_MS_PER_SESSION = 25;
const FIGURES = ['token_lag_300_p95_ms', 'sessions', 'lost', 'duplicated', 'token_lag_1000_p95_ms'];

interface Client {
  readonly session: OpenSession;
  /** The text as a client folds it: the deltas, checked against `completed` at the end. */
  deltas: string;
  completed: string;
  firstAt: number;
}

interface Round {
  readonly lags: readonly number[];
  readonly liveAfterMs: number;
  readonly lost: number;
  readonly duplicated: number;
  readonly garbled: number;
}

export async function run({ quick, profile }: BenchOptions): Promise<Outcome> {
  await using stack = await startStack({ profile });
  await answers(stack, { sessions: 50, ms: 2_000 });
  const moderate: Round[] = [];
  for (let round = 1; round <= (quick ? 1 : ROUNDS); round += 1)
    moderate.push(await answers(stack, { sessions: MODERATE, ms: quick ? 10_000 : 30_000 }));
  const many = await answers(stack, { sessions: MANY, ms: quick ? 10_000 : 30_000 });
  const rows: Row[] = [
    {
      name: 'token_lag_300_p95_ms',
      value: median(moderate.map((r) => quantile(r.lags, 0.95))),
      unit: 'ms',
      goal: { atMost: 100 },
    },
    {
      name: '300 sessions: p50',
      value: median(moderate.map((r) => quantile(r.lags, 0.5))),
      unit: 'ms',
    },
    {
      name: '300 sessions: p99',
      value: median(moderate.map((r) => quantile(r.lags, 0.99))),
      unit: 'ms',
    },
    {
      name: '300 sessions: lost, duplicated or garbled',
      value: sum(moderate),
      unit: '',
      goal: { atMost: 0 },
    },
    { name: 'sessions', value: MANY, unit: '' },
    { name: 'lost', value: many.lost, unit: 'tokens', goal: { atMost: 0 } },
    { name: 'duplicated', value: many.duplicated, unit: 'tokens', goal: { atMost: 0 } },
    { name: 'texts garbled', value: many.garbled, unit: '', goal: { atMost: 0 } },
    {
      name: 'token_lag_1000_p95_ms',
      value: quantile(many.lags, 0.95),
      unit: 'ms',
      goal: { atMost: 200 },
    },
    { name: '1000 sessions: p50', value: quantile(many.lags, 0.5), unit: 'ms' },
    { name: '1000 sessions: p99', value: quantile(many.lags, 0.99), unit: 'ms' },
    { name: '1000 sessions: all live after', value: many.liveAfterMs, unit: 'ms' },
  ];
  return { figures: figuresOf(rows, FIGURES), rows };
}

const sum = (rounds: readonly Round[]): number =>
  rounds.reduce((total, round) => total + round.lost + round.duplicated + round.garbled, 0);

/** One answer in each of so many sessions, all at once; only tokens of the time when all were live are counted as lag. */
async function answers(stack: Stack, load: { sessions: number; ms: number }): Promise<Round> {
  const tokens = Math.ceil(((load.ms + load.sessions * RAMP_MS_PER_SESSION) / 1_000) * PER_SECOND);
  const samples: { at: number; lag: number }[] = [];
  const clients = await inBatches(Array.from({ length: load.sessions }), () =>
    openClient(stack, samples),
  );
  const startedAt = clock();
  const turns = await inBatches(clients, async ({ session }) => ({
    session,
    id: await session.send(promptText({ tokens, perSecond: PER_SECOND })),
  }));
  await until(() => clients.every((client) => client.firstAt > 0));
  const live = Math.max(...clients.map((client) => client.firstAt));
  await Promise.all(turns.map(({ session, id }) => session.settled(id)));
  const lags = samples.filter(({ at }) => at >= live && at <= live + load.ms).map(({ lag }) => lag);
  const checks = clients.flatMap(({ deltas, completed }) =>
    [deltas, completed].map((text) => exactness(text, tokens)),
  );
  await inBatches(clients, ({ session }) => session.stop());
  const round = {
    lags,
    liveAfterMs: live - startedAt,
    lost: checks.reduce((total, check) => total + Math.max(0, check.lost), 0),
    duplicated: checks.reduce((total, check) => total + check.duplicated, 0),
    garbled: checks.filter((check) => check.garbled).length,
  };
  say(
    `${load.sessions} sessions, ${tokens} tokens each: all live after ${(round.liveAfterMs / 1_000).toFixed(1)} s, lag p50 ${quantile(lags, 0.5).toFixed(0)}, p95 ${quantile(lags, 0.95).toFixed(0)} ms; lost ${round.lost}, duplicated ${round.duplicated}, garbled ${round.garbled}`,
  );
  return round;
}

async function openClient(stack: Stack, samples: { at: number; lag: number }[]): Promise<Client> {
  const client = { deltas: '', completed: '', firstAt: 0 };
  const session = await openSession(stack.product.url, (event, at) =>
    fold(client, event, { at, samples }),
  );
  return Object.assign(client, { session });
}

function fold(
  client: Omit<Client, 'session'>,
  event: PerdureEvent,
  { at, samples }: { at: number; samples: { at: number; lag: number }[] },
): void {
  if (event.type === 'content.completed') client.completed += event.data.text ?? '';
  // What a superseded attempt streamed is void; a client that did not fold this would show it twice.
  if (event.type === 'attempt.superseded') client.deltas = '';
  if (event.type !== 'content.delta') return;
  client.firstAt ||= at;
  client.deltas += event.data.text;
  for (const { stamp } of tokensOf(event.data.text)) samples.push({ at, lag: lagMs(stamp, at) });
}

async function until(done: () => boolean): Promise<void> {
  while (!done()) await sleep(50);
}
