import { Client, Connection } from '@temporalio/client';
import { expect, test } from 'vitest';
import { stage } from './stage.ts';

/** What Temporal's UI shows under "stack trace" of a session that waits for a message. */
async function stackTrace(workflowStackTraces: boolean): Promise<string> {
  await using on = await stage({ workflowStackTraces });
  const worker = await on.worker();
  const { sessionId } = await on.ask('#word tokens=1');
  await on.follow(sessionId, ({ type }) => type === 'turn.settled');
  const connection = await Connection.connect({ address: on.temporal.address });
  const handle = new Client({ connection }).workflow.getHandle(sessionId);
  const trace = await handle.query<string>('__stack_trace');
  await connection.close();
  await worker.drain();
  return trace;
}

test('workflow stack traces are taken only where the setting asks for them', async () => {
  expect(await stackTrace(false)).not.toContain('workflows/session/workflow.ts');
  expect(await stackTrace(true)).toContain('workflows/session/workflow.ts');
});
