// Calls about which a person is asked first: on the time-skipping server, with the journal's row in memory.
import { ApplicationFailure } from '@temporalio/common';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { approvalDecision } from '../../workflows/session/messages.ts';
import { APPROVE, asking, decide, HOUR, PATIENT, refusalOf, REJECT } from './support/approving.ts';
import { askedCall, callsTools, completed, toolCall } from './support/scripted-world.ts';
import {
  eventually,
  SessionKit,
  untilStatus,
  untilTurns,
  userMessage,
} from './support/session-kit.ts';

let kit: SessionKit;
beforeAll(async () => {
  kit = await SessionKit.start();
});
afterAll(() => kit[Symbol.asyncDispose]());

test('an approved call runs, and not before', async () => {
  const call = askedCall();
  const session = await asking(kit, [call]);
  expect(await session.status()).toMatchObject({ state: 'waiting_for_approval' });
  expect(session.world.tools).toEqual([]);
  expect(await decide(session, call, APPROVE)).toBe('approved');
  await untilStatus(session, { turns: 1, state: 'waiting' });
  expect(session.world.tools).toMatchObject([{ callId: call.callId }]);
  await session.stop();
});

test('an approved call of a client waits for its answer, also where that came first', async () => {
  const call = askedCall({ mode: 'client' });
  const session = await asking(kit, [call]);
  await session.handle.signal('toolResult', { callId: call.callId });
  await eventually(() => session.world.asks.length === 2, 'it looks whether it was decided');
  await decide(session, call, APPROVE);
  await eventually(async () => (await session.status()).state === 'waiting_for_tools', 'it waits');
  await session.handle.signal('toolResult', { callId: call.callId });
  await untilStatus(session, { turns: 1, state: 'waiting' });
  expect(session.world.settles).toMatchObject([{ callId: call.callId, giveUp: false }]);
  await session.stop();
});

test('changed arguments reach the journal by reference only', async () => {
  const call = askedCall();
  const session = await asking(kit, [call]);
  await decide(session, call, {
    ...APPROVE,
    argumentsArtifact: 'sha256_1',
    updateId: 'decision-1',
  });
  await untilTurns(session, 2);
  expect(session.world.asks[1]?.decision).toEqual({
    decision: 'approve',
    argumentsArtifact: 'sha256_1',
    id: 'decision-1',
    by: 'ann',
  });
  await session.stop();
});

test('a rejected call does not run, and the next step follows', async () => {
  const call = askedCall();
  const session = await asking(kit, [call]);
  expect(await decide(session, call, REJECT)).toBe('rejected');
  await untilTurns(session, 2);
  expect(session.world.tools).toEqual([]);
  await session.stop();
});

test('calls of the same step that need no approval do not wait for those that do', async () => {
  const [asked, free] = [askedCall(), toolCall({ mode: 'worker' })];
  const session = await asking(kit, [asked, free]);
  await eventually(() => session.world.tools.length === 1, 'the free call');
  expect(session.world.tools).toMatchObject([{ callId: free.callId }]);
  expect(await session.status()).toMatchObject({ pendingCalls: [asked.callId] });
  await decide(session, asked, APPROVE);
  await untilStatus(session, { turns: 1, state: 'waiting' });
  expect(session.world.tools).toHaveLength(2);
  await session.stop();
});

test('nobody decides for 24 hours: it expires, and is not asked about again', async () => {
  const call = askedCall();
  const session = await asking(kit, [call]);
  await kit.pass(23 * HOUR);
  expect(session.world.approvals.size).toBe(0);
  await kit.pass(2 * HOUR);
  await untilTurns(session, 2);
  expect(session.world.approvals.get(call.approval.approvalId)).toMatchObject({
    outcome: 'expired',
  });
  expect(session.world.tools).toEqual([]);
  expect(await refusalOf(decide(session, call, APPROVE))).toBe('approval_stale');
  await session.stop();
});

test('of two decisions at once one wins, and the other is told that it is stale', async () => {
  const call = askedCall();
  const session = await asking(kit, [call]);
  const [first, second] = await Promise.all([
    decide(session, call, APPROVE).then(
      (outcome) => outcome,
      () => 'lost',
    ),
    decide(session, call, REJECT).then(
      (outcome) => outcome,
      () => 'lost',
    ),
  ]);
  const { outcome } = session.world.approvals.get(call.approval.approvalId)!;
  expect([first, second].filter((said) => said !== 'lost')).toEqual([outcome]);
  await untilTurns(session, 2);
  expect(session.world.tools).toHaveLength(outcome === 'approved' ? 1 : 0);
  expect(await refusalOf(decide(session, call, APPROVE))).toBe('approval_stale');
  await session.stop();
});

test('the same decision again has the same answer', async () => {
  const call = askedCall();
  const session = await asking(kit, [call]);
  expect(await decide(session, call, { ...APPROVE, updateId: 'mine' })).toBe('approved');
  expect(await decide(session, call, { ...APPROVE, updateId: 'mine' })).toBe('approved');
  await untilTurns(session, 2);
  expect(session.world.tools).toHaveLength(1);
  await session.stop();
});

test('a decision that is not allowed changes nothing, and another one may follow', async () => {
  const call = askedCall();
  const session = await asking(kit, [call]);
  session.world.approving = ({ decision }) =>
    decision?.decision === 'approve'
      ? { state: 'refused', error: { code: 'forbidden', message: 'denied by approvalPolicy[0]' } }
      : undefined;
  expect(await refusalOf(decide(session, call, APPROVE))).toBe('forbidden');
  expect(await session.status()).toMatchObject({ state: 'waiting_for_approval' });
  expect(await decide(session, call, REJECT)).toBe('rejected');
  await untilTurns(session, 2);
  await session.stop();
});

test('whoever decides on what the journal does not know, or leaves open, is told so', async () => {
  const call = askedCall();
  const session = await asking(kit, [call]);
  session.world.approving = ({ decision }) => {
    if (decision) throw ApplicationFailure.nonRetryable('There is no approval.', 'not_found');
    return undefined;
  };
  expect(await refusalOf(decide(session, call, APPROVE))).toBe('not_found');
  session.world.approving = () => ({ state: 'open' });
  expect(await refusalOf(decide(session, call, APPROVE))).toBe('approval_stale');
  session.world.approving = undefined;
  expect(await decide(session, call, APPROVE)).toBe('approved');
  await untilTurns(session, 2);
  await session.stop();
});

test('a decision that names no call, or one of another turn, enters no history', async () => {
  const call = askedCall();
  const session = await asking(kit, [call]);
  const elsewhere = { ...session, turn: userMessage().messageId };
  expect(await refusalOf(decide(elsewhere, call, APPROVE))).toBe('approval_stale');
  const nameless = session.handle.executeUpdate(approvalDecision, { args: [{} as never] });
  expect(await refusalOf(nameless)).toBe('invalid_input');
  const { events = [] } = await session.handle.fetchHistory();
  expect(events?.some((event) => event.workflowExecutionUpdateAcceptedEventAttributes)).toBe(false);
  await session.stop();
});

test('a decision that comes before the workflow has heard of the call is not lost', async () => {
  const call = askedCall();
  const message = userMessage();
  const session = await kit.session({ limits: PATIENT });
  session.world.script = [
    async (input) => {
      await decide(Object.assign(session, { turn: message.messageId }), call, APPROVE);
      return callsTools([call])(input);
    },
  ];
  session.world.otherwise = completed();
  await session.handle.signal('userMessage', message);
  await untilTurns(session, 2);
  expect(session.world.tools).toMatchObject([{ callId: call.callId }]);
  // Only the decision: the workflow knows already, and does not ask.
  expect(session.world.asks).toHaveLength(1);
  await session.stop();
});

test('what the journal has decided already is taken from it: a reset workflow does not ask a person again', async () => {
  const call = askedCall();
  const session = await kit.session({ limits: PATIENT });
  session.world.approvals.set(call.approval.approvalId, {
    state: 'settled',
    outcome: 'approved',
    decisionId: 'before the reset',
  });
  session.world.script = [callsTools([call])];
  session.world.otherwise = completed();
  await session.send();
  await untilTurns(session, 2);
  expect(session.world.tools).toHaveLength(1);
  await session.stop();
});

test('an interrupt and a stop end the wait at once, and nothing runs', async () => {
  const [call, other] = [askedCall(), askedCall()];
  const session = await asking(kit, [call]);
  await session.handle.signal('interruptTurn', {});
  await untilStatus(session, { turns: 1, state: 'waiting' });
  expect(session.world.seals).toMatchObject([{ cause: 'interrupt', turn: session.turn }]);
  expect(await refusalOf(decide(session, call, APPROVE))).toBe('approval_stale');
  session.world.script = [callsTools([other])];
  await session.send();
  await untilStatus(session, { state: 'waiting_for_approval' });
  await session.stop();
  expect(session.world.seals[1]).toMatchObject({ cause: 'stop' });
  expect(session.world.tools).toEqual([]);
});

test("Temporal's UI says who is waited for, and for what", async () => {
  const call = askedCall({ name: 'write_file' });
  const session = await asking(kit, [call]);
  const details = await session.handle.query('__temporal_workflow_metadata');
  expect(details).toMatchObject({
    currentDetails: expect.stringMatching(
      /\*\*Waiting for an approval\*\*[^]*`write_file`[^]*`apr_/,
    ),
  });
  await session.stop();
});
