/** What meets a person's word on a call: another word, the interrupt, the end of its time. Over two API processes, which share journal and Temporal only. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { eventually, startFixture, type Answer, type Fixture } from './support/fixture.ts';

interface Approval {
  readonly approvalId: string;
  readonly sessionId: string;
  readonly callId: string;
  readonly expiresAt: string;
}
interface Event {
  readonly type: string;
  readonly data: Record<string, unknown>;
}
type Send = Fixture['send'];

const ROUNDS = 5;
const APPROVAL_MS = 2_500;

let product: Fixture;
let hasty: Fixture;
let others: Send;
let hastyOthers: Send;
beforeAll(async () => {
  product = await startFixture({ worker: true });
  others = (await product.addApi()).send;
  hasty = await startFixture({
    worker: true,
    settings: { timeouts: { approvalMs: APPROVAL_MS } },
  });
  hastyOthers = (await hasty.addApi()).send;
});
afterAll(async () => {
  await product[Symbol.asyncDispose]();
  await hasty[Symbol.asyncDispose]();
});

/** A session whose model wants to ask something. */
async function asking(send: Send): Promise<Approval> {
  const { body } = await send('POST', '/api/sessions', {
    body: { agent: 'careful', message: 'call=ask{"question":"why?"}' },
  });
  const { sessionId } = body;
  const opened = await eventually(
    async () => {
      const page = await send('GET', `/api/sessions/${sessionId}/events?limit=1000`);
      return (page.body['events'] as Event[]).find(({ type }) => type === 'approval.opened');
    },
    (event) => event !== undefined,
  );
  return { ...(opened!.data as Omit<Approval, 'sessionId'>), sessionId };
}

const decide = (send: Send, { approvalId }: Approval, body: object) =>
  send('POST', `/api/approvals/${approvalId}/decision`, { body });

/** All that is said of the session, once its approval is settled and its call was offered or has an end. */
async function storyOf(send: Send, { sessionId, callId }: Approval) {
  const { body } = await eventually(
    () => send('GET', `/api/sessions/${sessionId}/events?limit=1000`),
    (page) => {
      const types = (page.body['events'] as Event[]).map(({ type }) => type);
      return types.includes('approval.settled');
    },
  );
  const events = body['events'] as Event[];
  const pending = await send('GET', `/api/tools/pending?sessionId=${sessionId}`);
  const offered = (pending.body['calls'] as { callId: string; arguments: unknown }[]).find(
    (call) => call.callId === callId,
  );
  return { events, offered, settled: events.filter(({ type }) => type === 'approval.settled') };
}

/** Of these answers the one that counts is the one that was settled; the others were told that they are stale. */
async function expectOneWord(send: Send, approval: Approval, answers: readonly Answer[]) {
  const { settled, offered, events } = await storyOf(send, approval);
  expect(settled).toHaveLength(1);
  const [{ data }] = settled as [Event];
  const made = answers.filter(({ status }) => status === 200);
  const refused = answers.filter(({ status }) => status !== 200);
  expect(refused.map(({ status, body }) => [status, body.code])).toEqual(
    refused.map(() => [409, 'approval_stale']),
  );
  const isDecided = data['outcome'] === 'approved' || data['outcome'] === 'rejected';
  expect(made.map(({ body }) => body['outcome'])).toEqual(isDecided ? [data['outcome']] : []);
  const { body } = await send('GET', `/api/approvals/${approval.approvalId}`);
  expect(body).toMatchObject({ state: 'settled', outcome: data['outcome'] });
  const audit = await send('GET', '/api/audit?limit=200');
  const entries = audit.body.items.filter(({ subject }) => subject === approval.approvalId);
  expect(entries).toHaveLength(isDecided ? 1 : 0);
  if (data['outcome'] !== 'approved') expect(offered).toBeUndefined();
  return { outcome: String(data['outcome']), data, offered, events, winner: made[0] };
}

const APPROVE = { decision: 'approve' };
const CHANGED = { question: 'how?' };

test('of an approval, an approval with changed arguments and a rejection at once, over two processes, one counts', async () => {
  for (let round = 0; round < ROUNDS; round += 1) {
    const approval = await asking(product.send);
    const answers = await Promise.all([
      decide(product.send, approval, APPROVE),
      decide(others, approval, { ...APPROVE, arguments: CHANGED }),
      decide(product.send, approval, { decision: 'reject', reason: 'no' }),
      decide(others, approval, { ...APPROVE, arguments: { question: 'when?' } }),
    ]);
    const { outcome, offered, winner, data } = await expectOneWord(others, approval, answers);
    expect(['approved', 'rejected']).toContain(outcome);
    if (outcome === 'rejected') continue;
    // What the call is offered with is what the one who counts has said.
    const said = winner!.body['changedArguments'] ?? { question: 'why?' };
    expect(offered!.arguments).toEqual(said);
    if (data['arguments'] !== undefined) expect(data['arguments']).toEqual(said);
  }
});

test('a changed approval and a plain one at once leave one of the two, never a mixture', async () => {
  for (let round = 0; round < ROUNDS; round += 1) {
    const approval = await asking(others);
    const answers = await Promise.all([
      decide(others, approval, { ...APPROVE, arguments: CHANGED }),
      decide(product.send, approval, APPROVE),
    ]);
    const { offered, winner } = await expectOneWord(product.send, approval, answers);
    const isChanged = winner === answers[0];
    expect(offered!.arguments).toEqual(isChanged ? CHANGED : { question: 'why?' });
    expect(winner!.body['changedArguments']).toEqual(isChanged ? CHANGED : undefined);
  }
});

test('a decision and an interrupt at once: approved and then interrupted, or withdrawn and never offered', async () => {
  for (let round = 0; round < ROUNDS; round += 1) {
    const approval = await asking(product.send);
    const { sessionId } = approval;
    const [answer] = await Promise.all([
      decide(others, approval, APPROVE),
      product.send('POST', `/api/sessions/${sessionId}/interrupt`),
    ]);
    const { outcome } = await expectOneWord(others, approval, [answer]);
    expect(['approved', 'withdrawn']).toContain(outcome);
    const { body } = await eventually(
      () => product.send('GET', `/api/sessions/${sessionId}/events?limit=1000`),
      (page) => JSON.stringify(page.body).includes('turn.settled'),
    );
    const events = body['events'] as Event[];
    const ends = events.filter(({ type }) => type === 'tool.settled' || type === 'turn.settled');
    expect(ends.map(({ type, data }) => [type, data['outcome']])).toEqual([
      ['tool.settled', 'interrupted'],
      ['turn.settled', 'interrupted'],
    ]);
    const late = { outcome: { status: 'completed', result: 'late' } };
    const result = await others('POST', `/api/tools/${approval.callId}/result`, { body: late });
    expect([result.status, result.body.code]).toEqual([409, 'result_late']);
  }
});

test('two decisions at the moment of the expiry: one of them counts, or neither', async () => {
  const approvals = await Promise.all(Array.from({ length: ROUNDS }, () => asking(hasty.send)));
  await Promise.all(
    approvals.map(async (approval, index) => {
      // From a little before to a little after.
      const at = Date.parse(approval.expiresAt) + 60 * (index - 2);
      await new Promise((resolve) => setTimeout(resolve, at - Date.now()));
      const answers = await Promise.all([
        decide(hasty.send, approval, APPROVE),
        decide(hastyOthers, approval, { decision: 'reject' }),
      ]);
      const { outcome } = await expectOneWord(hastyOthers, approval, answers);
      expect(['approved', 'rejected', 'expired']).toContain(outcome);
    }),
  );
});
