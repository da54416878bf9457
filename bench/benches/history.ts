/** What a turn adds to the workflow's history, early and late in a session; the bare SDK's beside it. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import type { SessionDriver } from '../load/driver.ts';
import { openSession } from '../load/session.ts';
import { promptText } from '../model/script.ts';
import { figuresOf, say } from '../report.ts';
import type { BenchOptions, Outcome } from '../report.ts';
import { startStack } from '../stack/stack.ts';

const TEXT = promptText({ tokens: 20, perSecond: 0 });
/** Long enough for a second message to find the session busy. */
const SLOW_TEXT = promptText({ tokens: 20, perSecond: 20 });
const LATE_TURN = 500;
const KB = 1_000;

const FIGURES = [
  'events_per_turn_2',
  'events_per_turn_500',
  'bytes_per_turn_2',
  'bytes_per_turn_500',
  'events_per_queued_turn',
];

interface HistorySize {
  readonly run: string;
  readonly events: number;
  readonly bytes: number;
}

export async function run({ quick }: BenchOptions): Promise<Outcome> {
  await using stack = await startStack();
  const { client } = stack.floor;
  const bare = await stack.floor.start();
  await bare.turn(TEXT);
  const floor = await added(client, bare);
  const session = await openSession(stack.product.url);
  await session.turn(TEXT);
  const second = await added(client, session);
  const lateTurn = quick ? 50 : LATE_TURN;
  say(`turn 2: ${second.events} events, ${second.bytes} bytes; going on to turn ${lateTurn}`);
  for (let turn = 3; turn < lateTurn; turn += 1) await session.turn(TEXT);
  const late = await added(client, session);
  const before = await settledSize(client, session.workflowId);
  const first = await session.send(SLOW_TEXT);
  await sleep(200);
  const queued = await session.send(TEXT);
  await Promise.all([session.settled(first), session.settled(queued)]);
  const both = (await settledSize(client, session.workflowId)).events - before.events;
  const rows = [
    { name: 'events_per_turn_2', value: second.events, unit: 'events', goal: { atMost: 10 } },
    { name: 'events_per_turn_500', value: late.events, unit: 'events', goal: { atMost: 10 } },
    { name: 'bytes_per_turn_2', value: second.bytes, unit: 'bytes', goal: { atMost: 2.2 * KB } },
    { name: 'bytes_per_turn_500', value: late.bytes, unit: 'bytes', goal: { atMost: 2.2 * KB } },
    {
      name: 'events_per_queued_turn',
      value: both - late.events,
      unit: 'events',
      goal: { atMost: 15 },
    },
    {
      name: 'both turns, the one that ran and the one that was queued',
      value: both,
      unit: 'events',
    },
    { name: 'floor: events per turn', value: floor.events, unit: 'events' },
    { name: 'floor: bytes per turn', value: floor.bytes, unit: 'bytes' },
  ];
  return { figures: figuresOf(rows, FIGURES), rows };
}

/** What one turn adds. A run that continued as new in between is measured again with the next turn. */
async function added(
  client: Client,
  session: SessionDriver,
): Promise<{ events: number; bytes: number }> {
  const before = await settledSize(client, session.workflowId);
  await session.turn(TEXT);
  const after = await settledSize(client, session.workflowId);
  if (after.run !== before.run) return added(client, session);
  return { events: after.events - before.events, bytes: after.bytes - before.bytes };
}

/** Waits until the workflow has done what follows the turn: its last task is completed after the client has the answer. */
async function settledSize(client: Client, workflowId: string): Promise<HistorySize> {
  let last: HistorySize | undefined;
  for (;;) {
    const found = await size(client, workflowId);
    if (last && last.run === found.run && last.events === found.events) return found;
    last = found;
    await sleep(300);
  }
}

async function size(client: Client, workflowId: string): Promise<HistorySize> {
  const { runId, historyLength, historySize } = await client.workflow
    .getHandle(workflowId)
    .describe();
  return { run: runId, events: historyLength, bytes: historySize ?? Number.NaN };
}
