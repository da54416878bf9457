/**
 * The floor: the least that Temporal's SDK can do for a turn. A signal with the message, one activity, wait for the next.
 * No journal, no limits, no timer, no interrupt; what Perdure costs is measured against this.
 */
import { condition, defineSignal, proxyActivities, setHandler } from '@temporalio/workflow';
import type { FloorActivities, FloorTurn } from './activities.ts';

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
