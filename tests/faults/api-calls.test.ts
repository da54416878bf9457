// kill -9 of a real API process at each step of tool calls: those that a worker runs, which do not need it, and those that a client answers through it.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createPerdureClient } from '../../client/index.ts';
import type { SessionId } from '../../contracts/ids.ts';
import { startSession, postJson, insist } from '../support/watcher.ts';
import { TOOLS } from './effect-server.ts';
import type { ToolName } from './effect-server.ts';
import { openToolSession, startToolFleet, ToolSession } from './tool-fleet.ts';
import type { ToolFleet } from './tool-fleet.ts';

let fleet: ToolFleet;
beforeAll(async () => {
  fleet = await startToolFleet();
}, 240_000);
afterAll(() => fleet[Symbol.asyncDispose]());

const apis = () => fleet.cluster.apis[0]!;
const restarted = async (): Promise<void> => {
  await apis().kill();
  await apis().start();
};
const EACH_ONCE = { never: 1, keyed: 1, read: 1 };
const done = () => ({
  never: fleet.world.done('never'),
  keyed: fleet.world.done('keyed'),
  read: fleet.world.done('read'),
});

describe('kill -9 of the API, of calls that a worker runs:', () => {
  const ALL = { never: 'completed', probed: 'completed', keyed: 'completed', read: 'completed' };

  test('before they are claimed: each runs once, and the client is told', async () => {
    await using session = await openToolSession(fleet);
    const turn = await session.call(TOOLS, { text: 'let me see', holdAfter: 2 });
    await session.watcher.until('text', () => session.watcher.text(turn) !== '');
    await apis().kill();
    fleet.cluster.model.release();
    // Nobody needs the API for them.
    await fleet.world.waiting('after', 4);
    await apis().start();
    expect(await session.outcomes(turn)).toEqual(ALL);
    expect(done()).toEqual(EACH_ONCE);
    session.expectWellFormed();
  });

  test.each([
    ['after the claim, before the effect', 'before'],
    ['after the effect, before the result', 'after'],
  ] as const)('%s: each runs once, and the client is told', async (_, stage) => {
    await using session = await openToolSession(fleet);
    fleet.world.hold(stage);
    const turn = await session.call(TOOLS);
    await fleet.world.waiting(stage, 4);
    await apis().kill();
    fleet.world.go();
    await apis().start();
    expect(await session.outcomes(turn)).toEqual(ALL);
    expect(done()).toEqual(EACH_ONCE);
    expect(fleet.world.arrived.filter((run) => run.stage === 'before')).toHaveLength(4);
    await session.expectOrdinaryTurn();
  });

  test('after the result: it stays, and is told once', async () => {
    await using session = await openToolSession(fleet);
    const turn = await session.call(TOOLS);
    await session.settledCalls(turn, 4);
    await restarted();
    expect(await session.outcomes(turn)).toEqual(ALL);
    expect(done()).toEqual(EACH_ONCE);
    await session.expectOrdinaryTurn();
  });
});

/** Tools that a client answers, one for each declaration. */
const CLIENT_TOOLS = [
  { name: 'never', effect: 'never-retry' },
  { name: 'keyed', effect: 'keyed' },
  { name: 'read', effect: 'read' },
] as const;
const NAMES = CLIENT_TOOLS.map(({ name }) => name);
const COMPLETED = { never: 'completed', keyed: 'completed', read: 'completed' };

/** A session of client tools, and a client whose handlers do to the world what the worker's tools do. */
async function openClientSession() {
  const { cluster, world } = fleet;
  world.forget();
  cluster.model.reset();
  const tools = CLIENT_TOOLS.map((tool) => ({
    ...tool,
    name: `my_${tool.name}`,
    description: 'Has an effect outside.',
    inputSchema: { type: 'object' },
  }));
  const sessionId: SessionId = await startSession(cluster.urls[0]!, { tools });
  const session = new ToolSession(cluster, sessionId);
  const client = createPerdureClient({ url: cluster.urls[0]!, retryForMs: 240_000 });
  const ask = (path: string, headers: Record<string, string> = {}) =>
    fetch(`${world.url}${path}&pid=${process.pid}`, { headers });
  const handler =
    (name: ToolName) =>
    async (_: unknown, { callId }: { callId: string }) => {
      const run = `&tool=${name}&call=${callId}`;
      await ask(`/stage?stage=before${run}`);
      await ask(`/effect?${run}`, name === 'keyed' ? { 'idempotency-key': callId } : {});
      await ask(`/stage?stage=after${run}`);
      return `receipt of ${callId}`;
    };
  const handlers = Object.fromEntries(NAMES.map((name) => [`my_${name}`, handler(name)]));
  const session2 = client.session(sessionId);
  return {
    session,
    answering: () => session2.answerTools(handlers),
    call: () => session.call(tools.map(({ name }) => name)),
    outcomes: async (turn: Parameters<typeof session.outcomes>[0]) =>
      Object.fromEntries(
        Object.entries(await session.outcomes(turn)).map(([name, outcome]) => [
          name.replace('my_', ''),
          outcome,
        ]),
      ),
    async [Symbol.asyncDispose]() {
      client[Symbol.dispose]();
      await session[Symbol.asyncDispose]();
    },
  };
}

describe('kill -9 of the API, of calls that a client answers:', () => {
  test('before they are claimed: each is answered once, and happens once', async () => {
    await using open = await openClientSession();
    const turn = await open.call();
    await open.session.requested(turn, 3);
    await restarted();
    await using _answering = open.answering();
    expect(await open.outcomes(turn)).toEqual(COMPLETED);
    expect(done()).toEqual(EACH_ONCE);
    await open.session.expectOrdinaryTurn();
  });

  test.each([
    ['after the claim, before the effect', 'before'],
    ['after the effect, before the result', 'after'],
  ] as const)('%s: each is answered once, and happens once', async (_, stage) => {
    await using open = await openClientSession();
    fleet.world.hold(stage);
    await using _answering = open.answering();
    const turn = await open.call();
    await fleet.world.waiting(stage, 3);
    await apis().kill();
    // The results have nobody who would take them.
    fleet.world.go();
    await apis().start();
    expect(await open.outcomes(turn)).toEqual(COMPLETED);
    expect(done()).toEqual(EACH_ONCE);
    expect(fleet.world.arrived.filter((run) => run.stage === 'before')).toHaveLength(3);
    await open.session.expectOrdinaryTurn();
  });

  test('after the result, before the workflow hears of it: it is told by another API, and nothing is answered again', async () => {
    await using open = await openClientSession();
    const { cluster } = fleet;
    const [url] = cluster.urls;
    const turn = await open.call();
    await open.session.requested(turn, 3);
    const { calls } = (await (
      await fetch(`${url}/api/tools/pending?sessionId=${open.session.watcher.sessionId}`)
    ).json()) as { calls: { callId: string }[] };
    expect(calls).toHaveLength(3);
    const answer = (callId: string, result: string) =>
      postJson(`${url}/api/tools/${callId}/result`, { outcome: { status: 'completed', result } });
    // The API writes the answer down, and its signal goes nowhere.
    cluster.temporal.signal('SIGSTOP');
    const unheard = calls.map(({ callId }) => answer(callId, 'done').catch(() => 'nobody heard'));
    await expect
      .poll(
        async () => {
          const path = `${url}/api/tools/pending?sessionId=${open.session.watcher.sessionId}`;
          return ((await (await fetch(path)).json()) as { calls: unknown[] }).calls;
        },
        { timeout: 60_000 },
      )
      .toEqual([]);
    await apis().kill();
    await Promise.all(unheard);
    cluster.temporal.signal('SIGCONT');
    await apis().start();
    expect(await open.outcomes(turn)).toEqual(COMPLETED);
    // Whoever did not hear says it again, which changes nothing; who says something else is told.
    for (const { callId } of calls) {
      expect(await insist(() => answer(callId, 'done'))).toMatchObject({ callId });
      await expect(answer(callId, 'other')).rejects.toThrow('result_duplicate');
    }
    await open.session.expectOrdinaryTurn();
  });
});
