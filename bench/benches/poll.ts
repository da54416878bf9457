/** Status polls at a fixed rate, whether or not the answers keep up; 200 sessions exist, half of them have had a turn. */
import { setTimeout as sleep } from 'node:timers/promises';
import { inBatches } from '../load/batches.ts';
import { callJson } from '../load/http.ts';
import { openSession } from '../load/session.ts';
import { clock, promptText } from '../model/script.ts';
import { figuresOf, say } from '../report.ts';
import type { BenchOptions, Outcome } from '../report.ts';
import { startStack } from '../stack/stack.ts';
import { median, quantile } from '../statistics.ts';

const JOBS = 200;
const PER_SECOND = 500;
const ROUNDS = 5;
const TICK_MS = 4;
const FIGURES = ['polls_per_s', 'p95_ms'];

export async function run({ quick }: BenchOptions): Promise<Outcome> {
  await using stack = await startStack();
  const { url } = stack.product;
  const sessions = await inBatches(Array.from({ length: JOBS }), async (_, index) => {
    const session = await openSession(url);
    if (index % 2 === 0) await session.turn(promptText({ tokens: 20, perSecond: 0 }));
    session.unsubscribe();
    return session.sessionId;
  });
  const ids = sessions.map((id) => `${url}/api/jobs/${id}/status`);
  await pollFor(ids, 2_000);
  const rounds = [];
  for (let round = 1; round <= ROUNDS; round += 1) {
    const found = await pollFor(ids, quick ? 3_000 : 10_000);
    say(
      `round ${round}: ${found.rate.toFixed(0)} polls/s, p50 ${found.p50.toFixed(2)} ms, p95 ${found.p95.toFixed(2)} ms`,
    );
    rounds.push(found);
  }
  const rows = [
    {
      name: 'polls_per_s',
      value: median(rounds.map((r) => r.rate)),
      unit: '/s',
      goal: { atLeast: PER_SECOND * 0.99 },
    },
    { name: 'p95_ms', value: median(rounds.map((r) => r.p95)), unit: 'ms', goal: { atMost: 10 } },
    { name: 'p50', value: median(rounds.map((r) => r.p50)), unit: 'ms' },
    {
      name: 'slowest of the median round',
      value: median(rounds.map((r) => r.slowest)),
      unit: 'ms',
    },
  ];
  return { figures: figuresOf(rows, FIGURES), rows };
}

/** Sends by the clock, never waiting for an answer, so that a server that stalls cannot slow the polls that show it. */
async function pollFor(urls: readonly string[], ms: number) {
  const startedAt = clock();
  const times: number[] = [];
  const underWay: Promise<void>[] = [];
  const total = (ms / 1_000) * PER_SECOND;
  while (underWay.length < total) {
    const due = Math.min(total, Math.floor(((clock() - startedAt) / 1_000) * PER_SECOND));
    for (let number = underWay.length; number < due; number += 1)
      underWay.push(poll(urls[number % urls.length] ?? '', times));
    await sleep(TICK_MS);
  }
  await Promise.all(underWay);
  return {
    rate: times.length / ((clock() - startedAt) / 1_000),
    p50: quantile(times, 0.5),
    p95: quantile(times, 0.95),
    slowest: Math.max(...times),
  };
}

async function poll(url: string, times: number[]): Promise<void> {
  const sentAt = clock();
  await callJson('GET', url);
  times.push(clock() - sentAt);
}
