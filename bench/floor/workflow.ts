/**
 * The floor: the least that Temporal's SDK can do for a turn. A signal with the message, one activity, wait for the next.
 * No journal, no limits, no timer, no interrupt; what Perdure costs is measured against this.
 */
import {
  condition,
  defineSignal,
  proxyActivities,
  proxyLocalActivities,
  setHandler,
} from '@temporalio/workflow';
import type { FloorActivities, FloorTurn } from './activities.ts';
import type { FloorProgramActivities } from './programs.ts';
import { FLOOR_TOOL_QUEUE, remoteToolOf, workerToolOf } from './names.ts';

export const say = defineSignal<[FloorTurn]>('say');
export const finish = defineSignal('finish');

const { answer } = proxyActivities<FloorActivities>({
  startToCloseTimeout: '10 minutes',
  heartbeatTimeout: '12 seconds',
});

export async function floor(): Promise<void> {
  const waiting: FloorTurn[] = [];
  let finished = false;
  setHandler(say, (turn) => void waiting.push(turn));
  setHandler(finish, () => void (finished = true));
  while (!finished) {
    const turn = waiting.shift();
    if (turn) await answer(turn);
    else await condition(() => finished || waiting.length > 0);
  }
}

const worker = proxyActivities<FloorActivities>({
  startToCloseTimeout: '10 minutes',
  heartbeatTimeout: '12 seconds',
  taskQueue: FLOOR_TOOL_QUEUE,
});
const here = proxyLocalActivities<FloorActivities>({ startToCloseTimeout: '10 seconds' });

export const result = defineSignal('result');

/**
 * The least that a tool call can be: after the model's activity a bare activity on another queue; and, for a tool that runs elsewhere,
 * a signal with its result, noted by a local activity.
 */
export async function floorTools(): Promise<void> {
  const waiting: FloorTurn[] = [];
  let finished = false;
  let results = 0;
  setHandler(say, (turn) => void waiting.push(turn));
  setHandler(result, () => void (results += 1));
  setHandler(finish, () => void (finished = true));
  while (!finished) {
    const turn = waiting.shift();
    if (!turn) {
      await condition(() => finished || waiting.length > 0);
      continue;
    }
    await answer(turn);
    await worker.tool(workerToolOf(turn.id));
    await condition(() => results > 0);
    results -= 1;
    await here.tool(remoteToolOf(turn.id));
  }
}

const shells = proxyActivities<FloorProgramActivities>({
  startToCloseTimeout: '10 minutes',
  heartbeatTimeout: '12 seconds',
  taskQueue: FLOOR_TOOL_QUEUE,
});

/** The least that a program can be: started by an activity, asked by one, ended by one. */
export async function floorShell(id: string): Promise<void> {
  const waiting: FloorTurn[] = [];
  let finished = false;
  setHandler(say, (turn) => void waiting.push(turn));
  setHandler(finish, () => void (finished = true));
  await shells.startShell(id);
  while (!finished) {
    const turn = waiting.shift();
    if (turn) await shells.askShell(id, turn);
    else await condition(() => finished || waiting.length > 0);
  }
  await shells.endShell(id);
}
