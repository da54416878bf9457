// The client against the real processes: Temporal, API, worker, SQLite journal, and a model provider over HTTP.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { createPerdureClient, NetworkError, PerdureError, textOfTurn } from '../../client/index.ts';
import type { ClientOptions, TransportName } from '../../client/index.ts';
import type { PerdureEvent } from '../../contracts/events.ts';
import { newId } from '../../contracts/ids.ts';
import { DEAD_SOON, startCluster } from '../support/cluster.ts';
import { until, words } from './conversation.ts';
import type { Cluster } from '../support/cluster.ts';

// Some tests restart the whole server, which takes its time on a busy machine.
vi.setConfig({ testTimeout: 180_000 });
const PATIENCE = { timeout: 60_000 };

let cluster: Cluster;
beforeAll(async () => {
  cluster = await startCluster({ settings: { timeouts: DEAD_SOON } });
});
afterAll(() => cluster[Symbol.asyncDispose]());

const client = (options: Partial<ClientOptions> = {}) =>
  createPerdureClient({ url: cluster.urls[0]!, retryDelay: () => 20, ...options });
describe.each<TransportName>(['sse', 'ws', 'poll'])('a session followed by %s', (transport) => {
  test('gives the reply to a message, and the same events as its history', async () => {
    using perdure = client({ transport });
    const { session, messageId } = await perdure.start({ message: `#${transport} tokens=8` });
    const reply = await session.onceSettled(messageId!);
    expect(reply.text).toBe(words(transport, 8));
    expect(reply.turn.outcome).toBe('completed');
    const next = await session.sendAndWait('#again tokens=2');
    expect(next.text).toBe(words('again', 2));
    const history = await Array.fromAsync(session.history());
    const streamed: PerdureEvent[] = [];
    for await (const event of session.events()) {
      streamed.push(event);
      if (event.seq === history.at(-1)!.seq) break;
    }
    expect(streamed).toEqual(history);
    expect((await session.view()).turns.map(textOfTurn)).toEqual([reply.text, next.text]);
  });

  test('ends with the API’s error where there is no such session', async () => {
    using perdure = client({ transport });
    const nowhere = perdure.session(newId('ses'));
    await expect(Array.fromAsync(nowhere.events())).rejects.toMatchObject({ code: 'not_found' });
  });

  test('follows it across kill -9 of the server: the text is exact', async () => {
    using perdure = client({ transport });
    const { session } = await perdure.start();
    const notices: string[] = [];
    const text = `kill-${transport}`;
    const waiting = session.sendAndWait(`#${text} tokens=50 delay=40`, {
      onConnection: ({ type }) => notices.push(type),
    });
    await until(session.events(), (event) => event.type === 'content.delta');
    await cluster.apis[0]!.kill();
    await cluster.apis[0]!.start();
    expect((await waiting).text).toBe(words(text, 50));
    expect(notices).toContain('lost');
    expect(notices.at(-1)).toBe('resumed');
    const history = await Array.fromAsync(session.history());
    expect(history.map(({ seq }) => seq)).toEqual(history.map((_, index) => index + 1));
    expect(history.filter(({ type }) => type === 'turn.settled')).toHaveLength(1);
    expect((await session.view()).turns.map(textOfTurn)).toEqual([words(text, 50)]);
    const asked = cluster.model.requests.filter(({ user }) => user.startsWith(`#${text} `));
    expect(asked.map((request) => request.text.trim())).toEqual(
      Array.from({ length: 2 }, () => words(text, 50).trim()),
    );
  });
});

describe('a command', () => {
  test('whose answer was lost is sent again and takes effect once', async () => {
    let lost = 0;
    const losing: typeof fetch = async (input, init) => {
      const response = await fetch(input, init);
      if (init?.method !== 'POST' || lost >= 3) return response;
      lost += 1;
      throw new TypeError('fetch failed');
    };
    using perdure = client({ fetch: losing });
    const { session, messageId } = await perdure.start({ message: '#start tokens=1' });
    await session.onceSettled(messageId!);
    lost = 0;
    await session.sendAndWait('#once tokens=1');
    const { turns } = await session.view();
    expect(turns.map(textOfTurn)).toEqual([words('start', 1), words('once', 1)]);
    expect(lost).toBe(3);
  });

  test('sent again with the same id much later gives the same reply', async () => {
    using perdure = client();
    const { session } = await perdure.start();
    const messageId = newId('msg');
    const first = await session.sendAndWait('#same tokens=2', { messageId });
    const second = await session.sendAndWait('#same tokens=2', { messageId });
    expect(second).toEqual(first);
    await expect(session.send('#other', { messageId })).rejects.toMatchObject({
      code: 'idempotency_conflict',
    });
  });

  test('interrupts, stops and reopens', async () => {
    using perdure = client();
    const { session } = await perdure.start();
    const waiting = session.sendAndWait('#cut tokens=4000 delay=30');
    const { turn } = await until(session.events(), (event) => event.type === 'content.delta');
    await session.interrupt(turn);
    const reply = await waiting;
    expect(reply.turn.outcome).toBe('interrupted');
    expect(words('cut', 4000).startsWith(reply.text)).toBe(true);
    await session.stop();
    await until(session.events(), (event) => event.type === 'session.ended');
    await expect(session.send('hello?')).rejects.toMatchObject({ code: 'session_closed' });
    const again = await session.sendAndWait('#back tokens=1', { reopen: true });
    expect(again.text).toBe(words('back', 1));
  });

  test('edits the queue, and the waiter of a removed message is told', async () => {
    using perdure = client();
    const { session } = await perdure.start();
    const busy = session.sendAndWait('#busy tokens=4000 delay=40');
    await until(session.events(), (event) => event.type === 'content.delta');
    const [one, two] = [newId('msg'), newId('msg')];
    const removed = session.sendAndWait('#one', { messageId: one });
    const kept = session.sendAndWait('#two tokens=1', { messageId: two });
    void removed.catch(() => {});
    await until(
      session.events(),
      (event) => event.type === 'message.queued' && event.data.messageId === two,
    );
    const waiting = (await session.queue()).messages.map(({ messageId }) => messageId);
    expect(waiting.toSorted()).toEqual([one, two].toSorted());
    await session.editQueue({ action: 'remove', messageId: one });
    await expect(removed).rejects.toThrow('removed from the queue');
    await session.interrupt();
    expect((await busy).turn.outcome).toBe('interrupted');
    expect((await kept).text).toBe(words('two', 1));
  });

  test('reads the session, live too, and its transcript; changes the model', async () => {
    using perdure = client();
    const { session } = await perdure.start();
    const { text } = await session.sendAndWait('#said tokens=2');
    expect(await session.get()).toMatchObject({ state: 'waiting', turns: 1, model: 'fake' });
    // On a busy machine the workflow may take longer than the second that is waited for it.
    await expect
      .poll(async () => (await session.live()).live, PATIENCE)
      .toMatchObject({ state: 'waiting', turns: 1 });
    const said = await Array.fromAsync(session.transcript());
    expect(said.map(({ role }) => role)).toEqual(['user', 'assistant']);
    expect(said[1]).toMatchObject({ content: [{ type: 'text', text }] });
    await session.useModel('fake');
    await expect(session.useModel('nonsense')).rejects.toMatchObject({ code: 'invalid_input' });
    await session.stop();
    await until(session.events(), (event) => event.type === 'session.ended');
    expect((await session.reopen()).state).toBe('waiting');
  });

  test('is refused with a typed error: code, field, what was expected', async () => {
    using perdure = client();
    expect(() => perdure.session('nonsense')).toThrow(PerdureError);
    const error = await perdure.start({ agent: 'nobody' }).catch((error: unknown) => error);
    expect(error).toBeInstanceOf(PerdureError);
    expect(error).toMatchObject({ code: 'invalid_input', field: 'agent', retryable: false });
  });

  test('to nowhere, or to another program, is a typed network error', async () => {
    using nowhere = createPerdureClient({ url: 'http://127.0.0.1:9', retryForMs: 0 });
    await expect(nowhere.start()).rejects.toMatchObject({ kind: 'unreachable' });
    using other = createPerdureClient({ url: cluster.model.url, retryForMs: 0 });
    await expect(other.start()).rejects.toMatchObject({ kind: 'protocol' });
    const silent = createServer(() => {});
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(silent.address() as AddressInfo).port}`;
    using hanging = createPerdureClient({ url, retryForMs: 0, timeoutMs: 50 });
    const error = await hanging.start().catch((error: unknown) => error);
    silent.closeAllConnections();
    silent.close();
    expect(error).toBeInstanceOf(NetworkError);
    expect(error).toMatchObject({ kind: 'silent' });
  });

  test('made together with others can share a request', async () => {
    let requests = 0;
    const counting: typeof fetch = (input, init) => {
      requests += 1;
      return fetch(input, init);
    };
    using perdure = client({ batch: true, fetch: counting });
    const ask = () => perdure.call((trpc, options) => trpc.agent.list.query(undefined, options));
    const [one, two] = await Promise.all([ask(), ask()]);
    expect(one).toEqual(two);
    expect(requests).toBe(1);
  });
});

describe('contexts', () => {
  test('know their active session, and tell every listener of each change, also across a restart', async () => {
    using perdure = client();
    const { session } = await perdure.start({ context: 'window-1' });
    expect((await perdure.contexts.active('window-1')).sessionId).toBe(session.id);
    expect((await perdure.contexts.active('unused')).sessionId).toBeNull();
    using listener = client();
    const seen: string[] = [];
    const stop = new AbortController();
    const listening = (async () => {
      for await (const { context, sessionId } of listener.contexts.changes({
        signal: stop.signal,
        retryDelay: () => 20,
      })) {
        seen.push(`${context}=${sessionId ?? 'none'}`);
      }
    })();
    await expect.poll(() => seen, PATIENCE).toContain(`window-1=${session.id}`);
    await perdure.contexts.activate('window-2', session.id);
    await expect.poll(() => seen, PATIENCE).toContain(`window-2=${session.id}`);
    await cluster.apis[0]!.kill();
    await cluster.apis[0]!.start();
    await perdure.contexts.activate('window-2', null);
    await expect.poll(() => seen, PATIENCE).toContain('window-2=none');
    const names = (await perdure.contexts.list()).map(({ context }) => context);
    expect(names).toEqual(expect.arrayContaining(['window-1', 'window-2']));
    const unknown = perdure.contexts.activate('window-1', newId('ses'));
    await expect(unknown).rejects.toMatchObject({ code: 'not_found' });
    stop.abort();
    await listening;
  });
});
