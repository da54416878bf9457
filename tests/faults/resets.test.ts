import { Client, Connection } from '@temporalio/client';
import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import type { SessionId } from '../../contracts/ids.ts';
import type { Cluster } from '../support/cluster.ts';
import { startSession, watch } from '../support/watcher.ts';
import {
  expectExact,
  expectJournal,
  numbered,
  requestsFor,
  startFaultCluster,
  streaming,
} from './faults.ts';

const NAMESPACE = 'default';

async function operator(cluster: Cluster) {
  const connection = await Connection.connect({ address: cluster.temporal.address });
  const { workflow } = new Client({ connection });
  return { connection, workflow, [Symbol.asyncDispose]: () => connection.close() };
}

type Operator = Awaited<ReturnType<typeof operator>>;

/** The event of the newest completed workflow task: the one that scheduled what runs now. */
async function lastWorkflowTask({ workflow }: Operator, sessionId: SessionId) {
  const { events } = await workflow.getHandle(sessionId).fetchHistory();
  const last = events?.findLast((event) => event.workflowTaskCompletedEventAttributes);
  if (!last?.eventId) throw new Error('no workflow task was completed yet');
  return last.eventId;
}

test('after an operator resets the activity in mid-stream the answer is exact', async () => {
  await using cluster = await startFaultCluster();
  await using temporal = await operator(cluster);
  const sessionId = await startSession(cluster.urls[0] ?? '');
  await using watcher = watch(cluster.urls, sessionId);
  const turn = await watcher.send('#reset tokens=100');
  await streaming(watcher, turn);

  const { raw } = await temporal.workflow.getHandle(sessionId).describe();
  const id = raw.pendingActivities?.[0]?.activityId ?? '';
  await temporal.connection.workflowService.resetActivity({
    namespace: NAMESPACE,
    execution: { workflowId: sessionId },
    id,
  });

  await expectExact(watcher, turn, numbered('reset', 100));
  await expectExact(watcher, await watcher.send('#after tokens=3'), numbered('after', 3));
  expect(requestsFor(cluster, 'reset')).toBe(2);
  expect(requestsFor(cluster, 'after')).toBe(1);
  await expectJournal(cluster, watcher, [numbered('reset', 100), numbered('after', 3)]);
});

test('after an operator resets the workflow in mid-stream the answer is exact, and finished turns are not run again', async () => {
  await using cluster = await startFaultCluster();
  await using temporal = await operator(cluster);
  const sessionId = await startSession(cluster.urls[0] ?? '');
  await using watcher = watch(cluster.urls, sessionId);
  await expectExact(watcher, await watcher.send('#finished tokens=3'), numbered('finished', 3));
  const beforeTurn = await lastWorkflowTask(temporal, sessionId);
  const turn = await watcher.send('#running tokens=100');
  await streaming(watcher, turn);

  await temporal.connection.workflowService.resetWorkflowExecution({
    namespace: NAMESPACE,
    workflowExecution: { workflowId: sessionId },
    reason: 'fault test',
    requestId: randomUUID(),
    workflowTaskFinishEventId: beforeTurn,
  });

  await expectExact(watcher, turn, numbered('running', 100));
  expect(requestsFor(cluster, 'finished')).toBe(1);
  await expectExact(watcher, await watcher.send('#after tokens=3'), numbered('after', 3));
  expect(requestsFor(cluster, 'running')).toBe(2);
  const answers = [numbered('finished', 3), numbered('running', 100), numbered('after', 3)];
  await expectJournal(cluster, watcher, answers);
});
