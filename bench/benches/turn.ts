/** How much Perdure adds to a turn: time to the first chunk on a quiet machine, turns a second on a busy one. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { SessionDriver, TurnTimes } from '../load/driver.ts';
import { inBatches } from '../load/batches.ts';
import { openSession } from '../load/session.ts';
import { promptText } from '../model/script.ts';
import { figuresOf, say } from '../report.ts';
import type { BenchOptions, Outcome, Row } from '../report.ts';
import { startStack } from '../stack/stack.ts';
import type { Stack } from '../stack/stack.ts';
import { cpuMs } from '../stack/processor.ts';
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

export async function run({ quick, profile }: BenchOptions): Promise<Outcome> {
  await using stack = await startStack({ profile });
  const drivers = await openDrivers(stack, Math.max(...BUSY));
  say(`warming up: ${WARM_UP_TURNS} turns each`);
  for (const side of SIDES) await turns(drivers[side].slice(0, QUIET_SESSIONS), WARM_UP_TURNS);
  const rows = await latencyRows(drivers, quick ? 20 : 100);
  for (const sessions of BUSY)
    rows.push(...(await throughputRows({ stack, drivers, sessions, ms: quick ? 4_000 : 8_000 })));
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

interface Load {
  readonly turnsPerSecond: number;
  /** Milliseconds of processor time a turn. */
  readonly workerCpuMs: number;
  readonly temporalCpuMs: number;
}

interface Busy {
  readonly stack: Stack;
  readonly drivers: Drivers;
  readonly sessions: number;
  readonly ms: number;
}

async function throughputRows({ stack, drivers, sessions, ms }: Busy): Promise<Row[]> {
  const rounds: Record<Side, Load>[] = [];
  const round = (side: Side) => busyRound(stack, drivers[side].slice(0, sessions), { side, ms });
  for (let number = 1; number <= ROUNDS; number += 1) {
    const found = { floor: await round('floor'), perdure: await round('perdure') };
    say(
      `${sessions} sessions, round ${number}: floor ${loadText(found.floor)}; perdure ${loadText(found.perdure)}`,
    );
    rounds.push(found);
  }
  const across = (pick: (round: Record<Side, Load>) => number) => median(rounds.map(pick));
  const perTurn = (side: Side, process: 'workerCpuMs' | 'temporalCpuMs') =>
    across((r) => r[side][process]);
  return [
    {
      name: `turns_per_s_ratio_${sessions}`,
      value: across((r) => r.perdure.turnsPerSecond / r.floor.turnsPerSecond),
      unit: '×',
      goal: { atLeast: 0.8 },
    },
    {
      name: `floor: turns/s, ${sessions} sessions`,
      value: across((r) => r.floor.turnsPerSecond),
      unit: '/s',
    },
    {
      name: `perdure: turns/s, ${sessions} sessions`,
      value: across((r) => r.perdure.turnsPerSecond),
      unit: '/s',
    },
    { name: `floor: CPU a turn, worker`, value: perTurn('floor', 'workerCpuMs'), unit: 'ms' },
    { name: `floor: CPU a turn, Temporal`, value: perTurn('floor', 'temporalCpuMs'), unit: 'ms' },
    {
      name: `perdure: CPU a turn, all-in-one`,
      value: perTurn('perdure', 'workerCpuMs'),
      unit: 'ms',
    },
    {
      name: `perdure: CPU a turn, Temporal`,
      value: perTurn('perdure', 'temporalCpuMs'),
      unit: 'ms',
    },
  ];
}

const loadText = ({ turnsPerSecond, workerCpuMs, temporalCpuMs }: Load) =>
  `${turnsPerSecond.toFixed(1)} turns/s (CPU a turn ${workerCpuMs.toFixed(1)} + ${temporalCpuMs.toFixed(1)} ms)`;

/**
 * Each session sends its next message as soon as the turn before is done. Turns are counted once every session has had
 * one on average, until the time is over; the processors' time that they took is shared out among them.
 */
async function busyRound(
  stack: Stack,
  drivers: readonly SessionDriver[],
  { side, ms }: { side: Side; ms: number },
): Promise<Load> {
  const pids = {
    worker: stack[side === 'floor' ? 'floor' : 'product'].forked.pid,
    temporal: stack.temporalPid,
  };
  let done = 0;
  let from: { at: number; worker: number; temporal: number } | undefined;
  let over = false;
  const sample = () => ({
    at: performance.now(),
    worker: cpuMs(pids.worker),
    temporal: cpuMs(pids.temporal),
  });
  const loop = async (driver: SessionDriver) => {
    while (!over) {
      await driver.turn(TEXT);
      done += 1;
      if (!from && done >= drivers.length) {
        done = 0;
        from = sample();
      } else if (from && performance.now() - from.at >= ms) over = true;
    }
  };
  let counted: Load | undefined;
  const measured = Promise.all(drivers.map(loop));
  // Told below; here it only must not leave the others waiting.
  measured.catch(() => (over = true));
  while (!over) await sleep(20);
  if (from) {
    const to = sample();
    counted = {
      turnsPerSecond: (done / (to.at - from.at)) * 1_000,
      workerCpuMs: (to.worker - from.worker) / done,
      temporalCpuMs: (to.temporal - from.temporal) / done,
    };
  }
  await measured;
  if (!counted) throw new Error('no turn was counted');
  return counted;
}
