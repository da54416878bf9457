/** A person's word on a call, over REST: who may say it, what is refused, and what happens then. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { newId } from '../../contracts/ids.ts';
import { MAX_ARGUMENT_BYTES } from '../../contracts/limits.ts';
import { eventually, startFixture, type Fixture, type RequestOptions } from './support/fixture.ts';

interface Approval {
  readonly approvalId: string;
  readonly sessionId: string;
  readonly callId: string;
  readonly state: string;
  readonly outcome: string | null;
}

let product: Fixture;
const keys = { ann: '', bob: '', olga: '' };
beforeAll(async () => {
  product = await startFixture({ worker: true, settings: { api: { requireKey: true } } });
  keys.ann = await product.key('acme', 'ann');
  keys.bob = await product.key('acme', 'bob');
  keys.olga = await product.key('acme', 'olga', 'operator');
});
afterAll(() => product[Symbol.asyncDispose]());

const listed = async (query: string, key = keys.ann): Promise<readonly Approval[]> => {
  const { body } = await product.send('GET', `/api/approvals${query}`, { key });
  return body['approvals'] as Approval[];
};

/** A session of Ann's whose model wants to ask something. */
async function asking(question = 'why?'): Promise<Approval> {
  const { body } = await product.send('POST', '/api/sessions', {
    key: keys.ann,
    body: { agent: 'careful', message: `call=ask${JSON.stringify({ question })}` },
  });
  const [approval] = await eventually(
    () => listed(`?sessionId=${body.sessionId}`),
    (approvals) => approvals.length > 0,
  );
  return approval!;
}

const decide = ({ approvalId }: Pick<Approval, 'approvalId'>, body: object, more = {}) => {
  const options: RequestOptions = { key: keys.ann, body, ...more };
  return product.send('POST', `/api/approvals/${approvalId}/decision`, options);
};

const pendingOf = async ({ sessionId }: Approval) => {
  const answer = await product.send('GET', `/api/tools/pending?sessionId=${sessionId}`, {
    key: keys.ann,
  });
  return answer.body['calls'] as { callId: string; arguments: unknown }[];
};

const eventsOf = async ({ sessionId }: Approval) => {
  const path = `/api/sessions/${sessionId}/events`;
  const { body } = await product.send('GET', path, { key: keys.ann });
  return body['events'] as { type: string; data: Record<string, unknown> }[];
};

const settled = (approval: Approval, type: string) =>
  eventually(
    async () => (await eventsOf(approval)).find((event) => event.type === type)?.data,
    (data) => data !== undefined,
  );

test('a call waits, is shown with all that a person needs, and is offered once it is approved', async () => {
  const approval = await asking();
  expect(approval).toMatchObject({
    ...{ name: 'ask', mode: 'client', effect: 'never-retry', arguments: { question: 'why?' } },
    ...{ rule: 'the tool ask: always', reason: null, preview: null },
    ...{ state: 'open', outcome: null, decidedBy: null, settledAt: null },
  });
  expect(await pendingOf(approval)).toEqual([]);
  const path = `/api/sessions/${approval.sessionId}`;
  const session = await product.send('GET', `${path}?live=true`, { key: keys.ann });
  expect(session.body['state']).toBe('waiting_for_approval');
  const { approvalId } = approval;
  expect(session.body['live']).toMatchObject({ openApprovals: [{ approvalId, name: 'ask' }] });
  const decided = await decide(approval, { decision: 'approve' });
  expect([decided.status, decided.body]).toMatchObject([
    200,
    { approvalId: approval.approvalId, state: 'settled', outcome: 'approved', decidedBy: 'ann' },
  ]);
  expect(await pendingOf(approval)).toMatchObject([{ callId: approval.callId }]);
  const answered = await product.send('POST', `/api/tools/${approval.callId}/result`, {
    key: keys.ann,
    body: { outcome: { status: 'completed', result: 'because' } },
  });
  expect(answered.status).toBe(202);
  expect(await settled(approval, 'turn.settled')).toMatchObject({ outcome: 'completed' });
  expect(await listed(`?sessionId=${approval.sessionId}`)).toEqual([]);
  const known = await product.send('GET', `/api/approvals/${approval.approvalId}`, {
    key: keys.ann,
  });
  expect(known.body).toEqual(decided.body);
});

test('changed arguments are what the call is offered with', async () => {
  const approval = await asking();
  const changed = { question: 'how?' };
  const decided = await decide(approval, { decision: 'approve', arguments: changed });
  expect(decided.body).toMatchObject({
    arguments: { question: 'why?' },
    changedArguments: changed,
  });
  expect(await pendingOf(approval)).toMatchObject([{ arguments: changed }]);
  expect(await settled(approval, 'approval.settled')).toMatchObject({ arguments: changed });
});

test('arguments that the schema of the tool or the policy refuses change nothing', async () => {
  const approval = await asking();
  const invalid = await decide(approval, { decision: 'approve', arguments: { question: 7 } });
  expect([invalid.status, invalid.body.code]).toEqual([400, 'invalid_input']);
  expect(invalid.body.detail).toMatch(/"arguments".*\/question must be string/);
  const denied = await decide(approval, {
    decision: 'approve',
    arguments: { question: 'your password?' },
  });
  expect([denied.status, denied.body.code]).toEqual([403, 'forbidden']);
  expect(denied.body.detail).toMatch(/agents\.careful\.approvalPolicy\[0\].*nobody’s business/);
  const large = 'x'.repeat(MAX_ARGUMENT_BYTES);
  const tooLarge = await decide(approval, { decision: 'approve', arguments: { question: large } });
  expect([tooLarge.status, tooLarge.body.code]).toEqual([413, 'payload_too_large']);
  expect(await pendingOf(approval)).toEqual([]);
  expect((await decide(approval, { decision: 'approve' })).status).toBe(200);
});

test('a call that the policy denies is answered at once, and asks nobody', async () => {
  const { body } = await product.send('POST', '/api/sessions', {
    key: keys.ann,
    body: { agent: 'careful', message: 'call=ask{"question":"the password?"}' },
  });
  const session = { sessionId: body.sessionId } as unknown as Approval;
  expect(await settled(session, 'tool.settled')).toMatchObject({
    outcome: 'rejected',
    error: { code: 'tool_denied', message: expect.stringContaining('nobody’s business') },
  });
  expect(await listed(`?sessionId=${body.sessionId}&state=settled`)).toEqual([]);
});

test('the reason of a rejection is what the model reads', async () => {
  const approval = await asking();
  const decided = await decide(approval, { decision: 'reject', reason: 'ask somebody else' });
  expect(decided.body).toMatchObject({ outcome: 'rejected', rejection: 'ask somebody else' });
  expect(await settled(approval, 'turn.settled')).toMatchObject({ outcome: 'completed' });
  const asked = JSON.stringify(product.models.requests.at(-1));
  expect(asked).toContain('They said: ask somebody else');
});

test('the second decision is stale, and so is one after the turn has ended', async () => {
  const [approval, other] = [await asking(), await asking()];
  expect((await decide(approval, { decision: 'approve' })).status).toBe(200);
  const second = await decide(approval, { decision: 'reject' });
  expect([second.status, second.body.code]).toEqual([409, 'approval_stale']);
  expect(second.body.detail).toContain('approved by ann already');
  await product.send('POST', `/api/sessions/${other.sessionId}/interrupt`, { key: keys.ann });
  await settled(other, 'approval.settled');
  const late = await decide(other, { decision: 'approve' });
  expect([late.status, late.body.code]).toEqual([409, 'approval_stale']);
  expect(late.body.detail).toContain('withdrawn');
});

test('of two decisions at once one wins', async () => {
  const approval = await asking();
  const answers = await Promise.all([
    decide(approval, { decision: 'approve' }),
    decide(approval, { decision: 'reject' }, { key: keys.olga }),
  ]);
  expect(answers.map(({ status }) => String(status)).toSorted()).toEqual(['200', '409']);
});

test('a decision that is repeated under its key has the same answer; another one under the key conflicts', async () => {
  const approval = await asking();
  const headers = { 'idempotency-key': 'once' };
  const first = await decide(approval, { decision: 'approve' }, { headers });
  const again = await decide(approval, { decision: 'approve' }, { headers });
  expect(again.body).toEqual(first.body);
  const other = await decide(approval, { decision: 'reject' }, { headers });
  expect([other.status, other.body.code]).toEqual([409, 'idempotency_conflict']);
  const byId = await decide(await asking(), { decision: 'approve', decisionId: 'once' });
  expect(byId.status).toBe(200);
});

test('a decision is refused that says too much, too little, or names nothing', async () => {
  const approval = await asking();
  const refused = async (body: object) => {
    const { status, body: said } = await decide(approval, body);
    return [status, said.code, said.field];
  };
  expect(await refused({})).toEqual([400, 'invalid_input', 'decision']);
  expect(await refused({ decision: 'perhaps' })).toEqual([400, 'invalid_input', 'decision']);
  expect(await refused({ decision: 'approve', reason: 'x' })).toEqual([
    400,
    'invalid_input',
    'reason',
  ]);
  expect(await refused({ decision: 'reject', arguments: {} })).toEqual([
    400,
    'invalid_input',
    'arguments',
  ]);
  const malformed = await decide({ approvalId: 'apr_1' }, { decision: 'approve' });
  expect([malformed.status, malformed.body.code]).toEqual([400, 'invalid_id']);
  expect(malformed.body.detail).toContain('"apr_"');
  const unknown = await decide({ approvalId: newId('apr') }, { decision: 'approve' });
  expect([unknown.status, unknown.body.code]).toEqual([404, 'not_found']);
});

test('a colleague sees and decides nothing of it, an operator of the tenant both, and the audit says who it was', async () => {
  const approval = await asking();
  const query = `?sessionId=${approval.sessionId}`;
  expect(await listed(query, keys.bob)).toEqual([]);
  const foreign = await decide(approval, { decision: 'approve' }, { key: keys.bob });
  expect([foreign.status, foreign.body.code]).toEqual([404, 'not_found']);
  expect(await listed(query, keys.olga)).toHaveLength(1);
  const decided = await decide(approval, { decision: 'approve' }, { key: keys.olga });
  expect(decided.body).toMatchObject({ decidedBy: 'olga' });
  const audit = await product.send('GET', '/api/audit', { key: keys.olga });
  expect(audit.body.items).toContainEqual(
    expect.objectContaining({
      ...{ tenant: 'acme', user: 'olga', action: 'approval.approved' },
      subject: approval.approvalId,
      details: expect.objectContaining({ tool: 'ask', edited: false }),
    }),
  );
});

test('lists come in pages', async () => {
  const approval = await asking();
  const page = await product.send('GET', '/api/approvals?state=settled&limit=1', { key: keys.ann });
  const cursor = page.body['nextCursor'] as string;
  expect(cursor).toMatch(/^\d+$/);
  const next = await listed(`?state=settled&limit=1&cursor=${cursor}`);
  expect(next).not.toEqual(page.body['approvals']);
  expect(approval.state).toBe('open');
});

test('with no worker a decision is answered worker_unavailable, and nothing is lost', async () => {
  await using idle = await startFixture({ settings: { timeouts: { updateMs: 500 } } });
  const { body } = await idle.send('POST', '/api/sessions', { body: { agent: 'careful' } });
  const { sessionId } = body;
  const claim = {
    sessionId,
    turn: newId('msg'),
    step: 1,
    fence: { scheduledAt: 1, attempt: 1 },
    inputDigest: '',
    messages: [],
  };
  const claimed = await idle.journal.steps.claim(claim);
  if (claimed.state !== 'claimed') throw new Error(claimed.state);
  const call = {
    callId: newId('call'),
    name: 'ask',
    mode: 'client',
    effect: 'read',
    timeoutMs: 1,
    arguments: '{}',
    approval: { inputSchema: { type: 'object' }, rule: 'a test', waitMs: 60_000 },
  } as const;
  const usage = { inputTokens: 0, outputTokens: 0, cachedInputTokens: 0, reasoningTokens: 0 };
  const spend = { usage, costUsd: 0 };
  const result = { outcome: 'tool_calls', calls: [], spend } as const;
  await idle.journal.steps.finish(claimed.attempt, { events: [], calls: [call], spend, result });
  const { approvals } = (await idle.send('GET', '/api/approvals')).body as unknown as {
    approvals: Approval[];
  };
  const path = `/api/approvals/${approvals[0]!.approvalId}`;
  const refused = await idle.send('POST', `${path}/decision`, { body: { decision: 'approve' } });
  expect([refused.status, refused.body.code]).toEqual([503, 'worker_unavailable']);
  expect((await idle.send('GET', path)).body).toMatchObject({ state: 'open' });
});
