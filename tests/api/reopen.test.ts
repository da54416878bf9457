/** The journal says that a session has ended a moment before its run is closed. */
import { Client, Connection, type WorkflowClientInterceptor } from '@temporalio/client';
import { expect, inject, test } from 'vitest';
import type { SessionId } from '../../contracts/ids.ts';
import { startFixture, type Fixture } from './support/fixture.ts';

/** Lets the test act when the API has looked this often whether the run is still open. */
function watched(connection: Connection) {
  let looks = 0;
  let act: { at: number; what: () => Promise<unknown> } | undefined;
  const interceptor: WorkflowClientInterceptor = {
    async describe(input, next) {
      looks += 1;
      if (act && looks >= act.at) {
        const { what } = act;
        act = undefined;
        await what();
      }
      return next(input);
    },
  };
  const client = new Client({ connection, interceptors: { workflow: [interceptor] } });
  return {
    client,
    looks: () => looks,
    atLook: (at: number, what: () => Promise<unknown>) => void (act = { at, what }),
  };
}

/** Ended for the journal; its run is as open as it was. */
async function endedSession(product: Fixture): Promise<SessionId> {
  const { sessionId } = (await product.send('POST', '/api/sessions', { body: {} })).body;
  await product.journal.events.record(sessionId, [
    { key: 'ended:test', event: { type: 'session.ended', data: { reason: 'stopped' } } },
  ]);
  return sessionId;
}

const signalsOf = async (product: Fixture, sessionId: SessionId, runId?: string) => {
  const handle = product.temporal.client.workflow.getHandle(sessionId, runId);
  const { events } = await handle.fetchHistory();
  return (events ?? []).filter((event) => event.workflowExecutionSignaledEventAttributes).length;
};

async function withWatch(
  body: (product: Fixture, watch: ReturnType<typeof watched>) => Promise<void>,
) {
  const connection = await Connection.connect({ address: inject('temporalAddress') });
  try {
    const watch = watched(connection);
    await using product = await startFixture({ temporalClient: watch.client });
    await body(product, watch);
  } finally {
    await connection.close();
  }
}

test('a message that reopens a session right after its end goes to the new run, not to the one that is closing', () =>
  withWatch(async (product, watch) => {
    const sessionId = await endedSession(product);
    const { workflow } = product.temporal.client;
    const closing = (await workflow.getHandle(sessionId).describe()).runId;
    // No worker runs, so the run stays open until it is closed here: while the API waits for that.
    watch.atLook(2, () => workflow.getHandle(sessionId, closing).terminate('closed by the test'));
    const sent = await product.send('POST', `/api/sessions/${sessionId}/messages`, {
      body: { content: 'again', reopen: true },
    });
    expect(sent.status).toBe(202);
    const reopened = await workflow.getHandle(sessionId).describe();
    expect([reopened.runId === closing, reopened.status.name]).toEqual([false, 'RUNNING']);
    expect(await signalsOf(product, sessionId, closing)).toBe(0);
    expect(await signalsOf(product, sessionId, reopened.runId)).toBe(1);
    await workflow.getHandle(sessionId).terminate();
  }));

test('a run that stays open was reopened by somebody else: the message goes there', () =>
  withWatch(async (product, watch) => {
    const sessionId = await endedSession(product);
    const { workflow } = product.temporal.client;
    const open = (await workflow.getHandle(sessionId).describe()).runId;
    const sent = await product.send('POST', `/api/sessions/${sessionId}/messages`, {
      body: { content: 'again', reopen: true },
    });
    expect([sent.status, watch.looks() > 1]).toEqual([202, true]);
    expect(await signalsOf(product, sessionId, open)).toBe(1);
    await workflow.getHandle(sessionId).terminate();
  }));
