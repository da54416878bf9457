/** What is reopened while its end is being written: by then its place among the tenant's open sessions may be somebody else's. */
import { expect, test } from 'vitest';
import type { SessionId } from '../../contracts/ids.ts';
import type { Journal } from '../../journal/port.ts';
import { eventually, startFixture, type Fixture } from './support/fixture.ts';

/** What happens, once each, before a session's end is written, and when it is written but its workflow has not heard of it. */
class AtTheEnd {
  before: (() => Promise<unknown>) | undefined;
  after: (() => Promise<unknown>) | undefined;

  spoil = (journal: Journal): Journal => {
    const record: Journal['events']['record'] = async (sessionId, facts) => {
      const ends = facts.some(({ event }) => event.type === 'session.ended');
      if (ends) await this.#once('before');
      await journal.events.record(sessionId, facts);
      if (ends) await this.#once('after');
    };
    return { ...journal, events: { ...journal.events, record } };
  };

  /** A signal makes Temporal give the task again, and the end is written again. */
  async #once(when: 'before' | 'after'): Promise<void> {
    const act = this[when];
    this[when] = undefined;
    await act?.();
  }
}

const settings = { api: { maxSessionsPerTenant: 1 } };

async function withSession(
  body: (product: Fixture, end: AtTheEnd, sessionId: SessionId) => Promise<void>,
) {
  const end = new AtTheEnd();
  await using product = await startFixture({ worker: true, settings, spoil: end.spoil });
  const { sessionId } = (await product.send('POST', '/api/sessions', { body: {} })).body;
  await untilState(product, sessionId, 'waiting');
  await body(product, end, sessionId);
}

const untilState = (product: Fixture, sessionId: SessionId, state: string) =>
  eventually(
    () => product.journal.sessions.get(sessionId),
    (row) => row?.state === state,
  );
const untilClosed = ({ temporal }: Fixture, sessionId: SessionId) =>
  eventually(
    () => temporal.client.workflow.getHandle(sessionId).describe(),
    ({ status }) => status.name === 'COMPLETED',
  );
const open = ({ journal }: Fixture) => journal.sessions.count({ tenant: 'local', open: true });
const say = (product: Fixture, path: `${SessionId}/${string}`, body: object = {}) =>
  product.send('POST', `/api/sessions/${path}`, { body });

test('it is reopened where the place is free still, and counted', () =>
  withSession(async (product, end, sessionId) => {
    end.before = () => say(product, `${sessionId}/reopen`);
    await say(product, `${sessionId}/stop`);
    await eventually(
      () => product.journal.events.read(sessionId, { after: 0, limit: 100 }),
      ({ events }) => events.at(-1)?.type === 'session.state' && events.length > 3,
    );
    expect(await open(product)).toBe(1);
    const another = await product.send('POST', '/api/sessions', { body: {} });
    expect([another.status, another.body.code]).toEqual([429, 'rate_limited']);
  }));

test('it stays ended where the place was taken meanwhile, and a message that was to reopen it is told so', () =>
  withSession(async (product, end, sessionId) => {
    let taken: SessionId | undefined;
    end.before = async () => {
      await say(product, `${sessionId}/reopen`);
      await say(product, `${sessionId}/messages`, { content: 'tokens=1', reopen: true });
    };
    end.after = async () => {
      taken = (await product.send('POST', '/api/sessions', { body: {} })).body.sessionId;
    };
    await say(product, `${sessionId}/stop`);
    await untilClosed(product, sessionId);
    expect(await product.journal.sessions.get(sessionId)).toMatchObject({ state: 'ended' });
    const { events } = await product.journal.events.read(sessionId, { after: 0, limit: 100 });
    expect(events.at(-1)).toMatchObject({
      type: 'message.rejected',
      data: { error: { code: 'rate_limited', retryable: true } },
    });
    expect(await open(product)).toBe(1);
    // Once there is a place it may come again.
    await say(product, `${taken!}/stop`);
    await untilClosed(product, taken!);
    const body = { content: 'tokens=1', reopen: true };
    const sent = await say(product, `${sessionId}/messages?wait=120s`, body);
    expect([sent.status, sent.body['reply']]).toMatchObject([200, { outcome: 'completed' }]);
  }));
