import { Client, Connection } from '@temporalio/client';
import { randomUUID } from 'node:crypto';
import { test } from 'vitest';
import type { SessionId } from '../../contracts/ids.ts';
import type { Cluster } from '../support/cluster.ts';
import { startAllInOne } from './fault-cluster.ts';
import { openSession } from './fault-session.ts';

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

/** The model call, which is the one activity of a turn. */
async function runningActivity({ workflow }: Operator, sessionId: SessionId): Promise<string> {
  const { raw } = await workflow.getHandle(sessionId).describe();
  const id = raw.pendingActivities?.[0]?.activityId;
  if (!id) throw new Error('no activity is running');
  return id;
}

test('after an operator resets the activity in mid-stream the answer is exact', async () => {
  await using cluster = await startAllInOne();
  await using temporal = await operator(cluster);
  await using session = await openSession(cluster);
  const { sessionId } = session.watcher;
  const asked = await session.askMidStream('reset');

  await temporal.connection.workflowService.resetActivity({
    namespace: NAMESPACE,
    execution: { workflowId: sessionId },
    id: await runningActivity(temporal, sessionId),
  });
  await session.nextAttempt(asked);
  cluster.model.release();

  await session.expectAnswer(asked);
  await session.expectOrdinaryTurn('after');
  await session.expectWhole({ reset: 2 });
});

test('after an operator resets the workflow in mid-stream the answer is exact, and finished turns are not run again', async () => {
  await using cluster = await startAllInOne();
  await using temporal = await operator(cluster);
  await using session = await openSession(cluster);
  const { sessionId } = session.watcher;
  await session.expectOrdinaryTurn('finished');
  const beforeTurn = await lastWorkflowTask(temporal, sessionId);
  const asked = await session.askMidStream('running');

  await temporal.connection.workflowService.resetWorkflowExecution({
    namespace: NAMESPACE,
    workflowExecution: { workflowId: sessionId },
    reason: 'fault test',
    requestId: randomUUID(),
    workflowTaskFinishEventId: beforeTurn,
  });
  await session.nextAttempt(asked);
  cluster.model.release();

  await session.expectAnswer(asked);
  await session.expectOrdinaryTurn('after');
  await session.expectWhole({ finished: 1, running: 2 });
});
