/** Messages that the journal has and the session's workflow does not, as after Temporal's data was restored from before them. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { newId, type MessageId, type SessionId } from '../../contracts/ids.ts';
import type { PerdureEvent } from '../../contracts/events.ts';
import { eventually, startFixture, uniqueName, type Fixture } from './support/fixture.ts';

let product: Fixture;
beforeAll(async () => {
  product = await startFixture({ worker: true });
});
afterAll(() => product[Symbol.asyncDispose]());

const text = (words: string) => [{ type: 'text' as const, text: words }];

async function logOf({ journal }: Fixture, sessionId: SessionId) {
  return (await journal.events.read(sessionId, { after: 0, limit: 1_000 })).events;
}

const of = (log: readonly PerdureEvent[], turn: MessageId, type: PerdureEvent['type']) =>
  log.filter((event) => event.turn === turn && event.type === type);

async function waitingSession({ send, journal }: Fixture): Promise<SessionId> {
  const { sessionId } = (await send('POST', '/api/sessions', { body: {} })).body;
  await eventually(
    () => journal.sessions.get(sessionId),
    (row) => row?.state === 'waiting',
  );
  return sessionId;
}

interface Forgotten {
  readonly sessionId: SessionId;
  readonly turn: MessageId;
  readonly content: string;
}

/** A turn in mid-answer, of which only the journal knows. */
async function forgottenTurn(fixture: Fixture): Promise<Forgotten> {
  const { steps } = fixture.journal;
  const sessionId = await waitingSession(fixture);
  const turn = newId('msg');
  const content = `#${uniqueName('forgotten')} tokens=3`;
  const claim = await steps.claim({
    ...{ sessionId, turn, step: 1, inputDigest: 'of another release' },
    fence: { scheduledAt: 1_000, attempt: 1 },
    messages: [{ messageId: turn, content: text(content), policy: 'enqueue' }],
  });
  if (claim.state !== 'claimed') throw new Error(claim.state);
  await steps.append(claim.attempt, [
    { type: 'model.started', data: { provider: 'fake', model: 'fake' } },
    { type: 'content.delta', data: { kind: 'text', text: 'lost' } },
  ]);
  return { sessionId, turn, content };
}

/** The turn completed, and said everything once. */
async function expectAnswered(fixture: Fixture, { sessionId, turn, content }: Forgotten) {
  await eventually(
    () => logOf(fixture, sessionId),
    (log) => of(log, turn, 'turn.settled').length > 0,
  );
  const log = await logOf(fixture, sessionId);
  expect(of(log, turn, 'turn.settled')).toMatchObject([{ data: { outcome: 'completed' } }]);
  for (const type of ['message.accepted', 'turn.started', 'attempt.superseded'] as const)
    expect(of(log, turn, type)).toHaveLength(1);
  const asked = fixture.models.requests.filter(({ user }) => user.includes(content));
  expect(asked).toHaveLength(1);
}

test('a turn under way that its session has forgotten goes on to its settlement when its message is repeated', async () => {
  const forgotten = await forgottenTurn(product);
  const { sessionId, turn: messageId, content } = forgotten;
  for (const policy of ['reject', 'interrupt', 'enqueue']) {
    const path = `/api/sessions/${sessionId}/messages`;
    const { status } = await product.send('POST', path, { body: { content, messageId, policy } });
    expect(status).toBe(202);
  }
  await expectAnswered(product, forgotten);
});

test('so does a message that waited in the queue, and one that is known is answered once however often it is repeated', async () => {
  const sessionId = await waitingSession(product);
  const path = `/api/sessions/${sessionId}/messages`;
  const [messageId, known] = [newId('msg'), newId('msg')];
  const [content, long] = [`#${uniqueName('queued')} tokens=1`, `#${uniqueName('known')} tokens=1`];
  await product.journal.events.record(sessionId, [
    {
      key: `queued:${messageId}`,
      event: {
        type: 'message.queued',
        data: { messageId, content: text(content), policy: 'enqueue' },
      },
    },
  ]);
  const sent = await product.send('POST', `${path}?wait=120s`, { body: { content, messageId } });
  expect([sent.status, sent.body['reply']]).toMatchObject([200, { outcome: 'completed' }]);
  const body = { content: long, messageId: known };
  await Promise.all(Array.from({ length: 8 }, () => product.send('POST', path, { body })));
  await product.send('POST', `${path}?wait=120s`, { body });
  const log = await logOf(product, sessionId);
  for (const turn of [messageId, known]) expect(of(log, turn, 'turn.started')).toHaveLength(1);
  expect(product.models.requests.filter(({ user }) => user.includes(long))).toHaveLength(1);
  expect(log.some(({ type }) => type === 'message.rejected')).toBe(false);
});

test('what nobody repeats is said again by the sweepers: an open turn, and what waits', async () => {
  const sweeping = { everyMs: 50, startStalledMs: 600_000, quietForMs: 0 };
  await using swept = await startFixture({ worker: true, sweeping });
  await swept.addApi();
  const forgotten = await forgottenTurn(swept);
  const { sessionId } = forgotten;
  await expectAnswered(swept, forgotten);
  const waiting = await waitingSession(swept);
  const messageId = newId('msg');
  await swept.journal.events.record(waiting, [
    {
      key: `queued:${messageId}`,
      event: {
        type: 'message.queued',
        data: { messageId, content: text('tokens=1'), policy: 'enqueue' },
      },
    },
  ]);
  await eventually(
    () => logOf(swept, waiting),
    (log) => of(log, messageId, 'turn.settled').length === 1,
  );
  expect(await swept.journal.sessions.get(sessionId)).toMatchObject({ turn: null, queued: 0 });
});

test('where the session ends before that, the turn is settled as failed', async () => {
  const { sessionId, turn } = await forgottenTurn(product);
  await product.send('POST', `/api/sessions/${sessionId}/stop`, { body: {} });
  await eventually(
    () => product.journal.sessions.get(sessionId),
    (row) => row?.state === 'ended',
  );
  const log = await logOf(product, sessionId);
  expect(of(log, turn, 'turn.settled')).toMatchObject([
    { data: { outcome: 'failed', error: { code: 'state_corrupt' } } },
  ]);
  expect(log.at(-1)).toMatchObject({ type: 'session.ended', data: { reason: 'stopped' } });
});
