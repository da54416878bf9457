/** How much Perdure adds to a tool call: in the worker, and on a runner elsewhere. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { PerdureEvent } from '../../contracts/events.ts';
import { openSession } from '../load/session.ts';
import { callText, promptText } from '../model/script.ts';
import { figuresOf, say } from '../report.ts';
import type { BenchOptions, Outcome, Row } from '../report.ts';
import { SMALL_FILE, TOOL_AGENT } from '../stack/product.ts';
import { startStack } from '../stack/stack.ts';
import type { Stack } from '../stack/stack.ts';
import { median, quantile } from '../statistics.ts';

const ROUNDS = 5;
const WARM_UP_TURNS = 200;
/** Between two turns, so that what one side still has to do does not disturb the other. */
const GAP_MS = 30;
const FLOOR_TEXT = promptText({ tokens: 1, perSecond: 0 });

/** Milliseconds of one tool call. */
type Timed = () => Promise<number>;

interface Sides {
  readonly floor: () => Promise<{ workerMs: number; remoteMs: number }>;
  readonly worker: Timed;
}

export async function run({ quick, profile }: BenchOptions): Promise<Outcome> {
  await using stack = await startStack({ profile });
  const floor = await stack.floor.startTools();
  const sides: Sides = {
    floor: () => floor.turn(FLOOR_TEXT),
    worker: await workerCalls(stack),
  };
  say(`warming up: ${WARM_UP_TURNS} turns each`);
  for (let turn = 0; turn < WARM_UP_TURNS; turn += 1)
    for (const side of Object.values(sides)) await side();
  const rows = await measure(sides, quick ? 20 : 100);
  return { figures: figuresOf(rows, ['worker_tool_ratio']), rows };
}

/**
 * From the end of the model's step, where the call is a fact, to where its result is one: both as the client learns of them. The floor's
 * is from the end of the model's activity to the end of the tool's.
 */
async function workerCalls({ product }: Stack): Promise<Timed> {
  const text = callText({ tool: 'read_file', input: { path: SMALL_FILE } });
  const heard = { requestedAt: 0, settledAt: 0 };
  const listener = ({ type, data }: PerdureEvent, at: number): void => {
    if (type === 'tool.requested') heard.requestedAt = at;
    if (type !== 'tool.settled') return;
    heard.settledAt = at;
    if (data.outcome !== 'completed') throw new Error(`the tool call ended ${data.outcome}`);
  };
  const start = { agent: TOOL_AGENT, workspace: product.workspace };
  const session = await openSession(product.url, listener, start);
  return async () => {
    await session.turn(text);
    return heard.settledAt - heard.requestedAt;
  };
}

interface Times {
  readonly floor: number;
  readonly floorRemote: number;
  readonly worker: number;
}

async function measure(sides: Sides, turns: number): Promise<Row[]> {
  const rounds: Times[] = [];
  for (let round = 1; round <= ROUNDS; round += 1) {
    const samples: Times[] = [];
    for (let turn = 0; turn < turns; turn += 1) {
      const floor = await sides.floor();
      await sleep(GAP_MS);
      const worker = await sides.worker();
      await sleep(GAP_MS);
      samples.push({ floor: floor.workerMs, floorRemote: floor.remoteMs, worker });
    }
    const p50 = (pick: (times: Times) => number) => quantile(samples.map(pick), 0.5);
    const found = {
      floor: p50((times) => times.floor),
      floorRemote: p50((times) => times.floorRemote),
      worker: p50((times) => times.worker),
    };
    say(
      `round ${round}: bare activity ${found.floor.toFixed(1)} ms, bare signal ${found.floorRemote.toFixed(1)} ms; worker tool ${found.worker.toFixed(1)} ms`,
    );
    rounds.push(found);
  }
  const across = (pick: (round: Times) => number) => median(rounds.map(pick));
  return [
    {
      name: 'worker_tool_ratio',
      value: across(({ worker, floor }) => worker / floor),
      unit: '×',
      goal: { atMost: 1.5 },
    },
    { name: 'floor: bare activity p50', value: across(({ floor }) => floor), unit: 'ms' },
    { name: 'floor: bare signal p50', value: across((times) => times.floorRemote), unit: 'ms' },
    { name: 'perdure: worker tool call p50', value: across(({ worker }) => worker), unit: 'ms' },
  ];
}
