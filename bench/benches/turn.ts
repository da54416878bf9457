/** How much Perdure adds to a turn: time to the first chunk on a quiet machine, turns a second on a busy one. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { BenchOptions } from '../main.ts';
import type { SessionDriver, TurnTimes } from '../load/driver.ts';
import { inBatches } from '../load/batches.ts';
import { openSession } from '../load/session.ts';
import { promptText } from '../model/script.ts';
import { figuresOf, say } from '../report.ts';
import type { Outcome, Row } from '../report.ts';
import { startStack } from '../stack/stack.ts';
import type { Stack } from '../stack/stack.ts';
import { median, quantile } from '../statistics.ts';

const TEXT = promptText({ tokens: 20, perSecond: 0 });
const WARM_UP_TURNS = 200;
const ROUNDS = 5;
/** Between two turns of the latency rounds, so that what one side still has to do does not disturb the other. */
const GAP_MS = 30;
const QUIET_SESSIONS = 10;
const BUSY = [50, 200] as const;

type Side = 'floor' | 'perdure';
const SIDES = ['floor', 'perdure'] as const;
type Drivers = Readonly<Record<Side, readonly SessionDriver[]>>;

const FIGURES = [
  'first_chunk_p50_ratio',
  'first_chunk_p95_ratio',
  'turns_per_s_ratio_50',
  'turns_per_s_ratio_200',
];

export async function run({ quick }: BenchOptions): Promise<Outcome> {
  await using stack = await startStack();
  const drivers = await openDrivers(stack, Math.max(...BUSY));
  say(`warming up: ${WARM_UP_TURNS} turns each`);
  for (const side of SIDES) await turns(drivers[side].slice(0, QUIET_SESSIONS), WARM_UP_TURNS);
  const rows = await latencyRows(drivers, quick ? 30 : 100);
  for (const sessions of BUSY)
    rows.push(...(await throughputRows(drivers, sessions, quick ? 3_000 : 8_000)));
  return { figures: figuresOf(rows, FIGURES), rows };
}

async function openDrivers(stack: Stack, count: number): Promise<Drivers> {
  say(`opening ${count} sessions on each side`);
  const places = Array.from({ length: count });
  return {
    floor: await inBatches(places, () => stack.floor.start()),
    perdure: await inBatches(places, () => openSession(stack.product.url)),
  };
}

async function turns(drivers: readonly SessionDriver[], count: number): Promise<void> {
  for (let done = 0; done < count; done += drivers.length)
    await Promise.all(drivers.map((driver) => driver.turn(TEXT)));
}

async function latencyRows(drivers: Drivers, pairs: number): Promise<Row[]> {
  const rounds: Record<Side, ReturnType<typeof summary>>[] = [];
  for (let round = 1; round <= ROUNDS; round += 1) {
    const times: Record<Side, TurnTimes[]> = { floor: [], perdure: [] };
    for (let pair = 0; pair < pairs; pair += 1)
      for (const side of SIDES)
        times[side].push(await oneTurn(drivers[side][pair % QUIET_SESSIONS]));
    const found = { floor: summary(times.floor), perdure: summary(times.perdure) };
    say(`latency round ${round}: floor ${text(found.floor)}, perdure ${text(found.perdure)}`);
    rounds.push(found);
  }
  const across = (pick: (round: (typeof rounds)[number]) => number) => median(rounds.map(pick));
  return [
    {
      name: 'first_chunk_p50_ratio',
      value: across((r) => r.perdure.p50 / r.floor.p50),
      unit: '×',
      goal: { atMost: 1.6 },
    },
    {
      name: 'first_chunk_p95_ratio',
      value: across((r) => r.perdure.p95 / r.floor.p95),
      unit: '×',
      goal: { atMost: 2 },
    },
    { name: 'floor: signal → first token p50', value: across((r) => r.floor.p50), unit: 'ms' },
    { name: 'floor: signal → first token p95', value: across((r) => r.floor.p95), unit: 'ms' },
    { name: 'perdure: send → first chunk p50', value: across((r) => r.perdure.p50), unit: 'ms' },
    { name: 'perdure: send → first chunk p95', value: across((r) => r.perdure.p95), unit: 'ms' },
    {
      name: 'perdure: own overhead p50',
      value: across((r) => r.perdure.p50 - r.floor.p50),
      unit: 'ms',
      goal: { atMost: 40 },
    },
    { name: 'floor: signal → turn done p50', value: across((r) => r.floor.done), unit: 'ms' },
    { name: 'perdure: send → turn settled p50', value: across((r) => r.perdure.done), unit: 'ms' },
  ];
}

async function oneTurn(driver: SessionDriver | undefined): Promise<TurnTimes> {
  if (!driver) throw new Error('no session');
  const times = await driver.turn(TEXT);
  await sleep(GAP_MS);
  return times;
}

const summary = (times: readonly TurnTimes[]) => {
  const first = times.map((time) => time.firstMs);
  return {
    p50: quantile(first, 0.5),
    p95: quantile(first, 0.95),
    done: quantile(
      times.map((time) => time.doneMs),
      0.5,
    ),
  };
};

const text = ({ p50, p95 }: { p50: number; p95: number }) =>
  `${p50.toFixed(1)} / ${p95.toFixed(1)} ms`;

async function throughputRows(drivers: Drivers, sessions: number, ms: number): Promise<Row[]> {
  const rounds: Record<Side, number>[] = [];
  for (let round = 1; round <= ROUNDS; round += 1) {
    const found = {
      floor: await turnsPerSecond(drivers.floor.slice(0, sessions), ms),
      perdure: await turnsPerSecond(drivers.perdure.slice(0, sessions), ms),
    };
    say(
      `${sessions} sessions, round ${round}: floor ${found.floor.toFixed(1)}, perdure ${found.perdure.toFixed(1)} turns/s`,
    );
    rounds.push(found);
  }
  return [
    {
      name: `turns_per_s_ratio_${sessions}`,
      value: median(rounds.map((r) => r.perdure / r.floor)),
      unit: '×',
      goal: { atLeast: 0.8 },
    },
    {
      name: `floor: turns/s, ${sessions} sessions`,
      value: median(rounds.map((r) => r.floor)),
      unit: '/s',
    },
    {
      name: `perdure: turns/s, ${sessions} sessions`,
      value: median(rounds.map((r) => r.perdure)),
      unit: '/s',
    },
  ];
}

/** Each session sends its next message as soon as the turn before is done; turns that end within the time count. */
async function turnsPerSecond(drivers: readonly SessionDriver[], ms: number): Promise<number> {
  const deadline = performance.now() + ms;
  let done = 0;
  await Promise.all(
    drivers.map(async (driver) => {
      while (performance.now() < deadline) {
        await driver.turn(TEXT);
        if (performance.now() < deadline) done += 1;
      }
    }),
  );
  return done / (ms / 1_000);
}
