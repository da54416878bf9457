/** How much Perdure adds to a tool call: in the worker, and on a runner elsewhere. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { PerdureEvent } from '../../contracts/events.ts';
import { openSession } from '../load/session.ts';
import { callText, promptText } from '../model/script.ts';
import { figuresOf, say } from '../report.ts';
import type { BenchOptions, Outcome, Row } from '../report.ts';
import type { ToolTimes } from '../stack/floor.ts';
import { REMOTE_AGENT, SMALL_FILE, TOOL_AGENT } from '../stack/product.ts';
import { startRunner } from '../stack/runner.ts';
import { startStack } from '../stack/stack.ts';
import type { Stack } from '../stack/stack.ts';
import { median, quantile } from '../statistics.ts';

const ROUNDS = 5;
const WARM_UP_TURNS = 200;
/** Between two turns, so that what one side still has to do does not disturb the other. */
const GAP_MS = 30;
const FLOOR_TEXT = promptText({ tokens: 1, perSecond: 0 });

const FIGURES = ['worker_tool_ratio', 'remote_tool_ratio'];

/** Milliseconds of one tool call. */
type Timed = () => Promise<number>;

interface Sides {
  readonly floor: () => Promise<ToolTimes>;
  readonly worker: Timed;
  readonly remote: Timed;
}

export async function run({ quick, profile }: BenchOptions): Promise<Outcome> {
  await using stack = await startStack({ profile });
  await using _ = await startRunner(stack.product, stack.folder);
  const floor = await stack.floor.startTools();
  const sides: Sides = {
    floor: () => floor.turn(FLOOR_TEXT),
    worker: await toolCalls(stack, TOOL_AGENT),
    remote: await toolCalls(stack, REMOTE_AGENT),
  };
  say(`warming up: ${WARM_UP_TURNS} turns each`);
  for (let turn = 0; turn < WARM_UP_TURNS; turn += 1)
    for (const side of Object.values(sides)) await side();
  const rows = await measure(sides, quick ? 20 : 100);
  return { figures: figuresOf(rows, FIGURES), rows };
}

/**
 * From the end of the model's step, where the call is a fact, to where its result is one: both as the client learns of them. The floor's
 * is from the end of the model's activity to the end of the tool's; of a tool elsewhere from the moment in which its result is sent.
 */
async function toolCalls({ product }: Stack, agent: string): Promise<Timed> {
  const text = callText({ tool: 'read_file', input: { path: SMALL_FILE } });
  const heard = { requestedAt: 0, settledAt: 0 };
  const listener = ({ type, data }: PerdureEvent, at: number): void => {
    if (type === 'tool.requested') heard.requestedAt = at;
    if (type !== 'tool.settled') return;
    heard.settledAt = at;
    if (data.outcome !== 'completed') throw new Error(`the tool call ended ${data.outcome}`);
  };
  const start = { agent, workspace: product.workspace };
  const session = await openSession(product.url, listener, start);
  return async () => {
    await session.turn(text);
    return heard.settledAt - heard.requestedAt;
  };
}

interface Round {
  readonly floor: ToolTimes;
  readonly ours: ToolTimes;
}

const p50 = (samples: readonly ToolTimes[]): ToolTimes => ({
  workerMs: quantile(
    samples.map((times) => times.workerMs),
    0.5,
  ),
  remoteMs: quantile(
    samples.map((times) => times.remoteMs),
    0.5,
  ),
});

const pausing = async <T>(measured: Promise<T>): Promise<T> => {
  const times = await measured;
  await sleep(GAP_MS);
  return times;
};

async function measure(sides: Sides, turns: number): Promise<Row[]> {
  const rounds: Round[] = [];
  for (let round = 1; round <= ROUNDS; round += 1) {
    const samples: Round[] = [];
    for (let turn = 0; turn < turns; turn += 1) {
      const floor = await pausing(sides.floor());
      const workerMs = await pausing(sides.worker());
      const remoteMs = await pausing(sides.remote());
      samples.push({ floor, ours: { workerMs, remoteMs } });
    }
    const found = {
      floor: p50(samples.map(({ floor }) => floor)),
      ours: p50(samples.map(({ ours }) => ours)),
    };
    say(`round ${round}: floor ${text(found.floor)}; perdure ${text(found.ours)}`);
    rounds.push(found);
  }
  return rowsOf(rounds);
}

const text = ({ workerMs, remoteMs }: ToolTimes): string =>
  `${workerMs.toFixed(1)} ms in the worker, ${remoteMs.toFixed(1)} ms elsewhere`;

function rowsOf(rounds: readonly Round[]): Row[] {
  const across = (pick: (round: Round) => number) => median(rounds.map(pick));
  const goal = { atMost: 1.5 };
  return [
    {
      name: 'worker_tool_ratio',
      value: across(({ ours, floor }) => ours.workerMs / floor.workerMs),
      unit: '×',
      goal,
    },
    {
      name: 'remote_tool_ratio',
      value: across(({ ours, floor }) => ours.remoteMs / floor.remoteMs),
      unit: '×',
      goal,
    },
    { name: 'floor: bare activity p50', value: across((r) => r.floor.workerMs), unit: 'ms' },
    { name: 'perdure: worker tool call p50', value: across((r) => r.ours.workerMs), unit: 'ms' },
    { name: 'floor: bare signal p50', value: across((r) => r.floor.remoteMs), unit: 'ms' },
    { name: 'perdure: remote tool call p50', value: across((r) => r.ours.remoteMs), unit: 'ms' },
  ];
}
