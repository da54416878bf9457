// kill -9 of an MCP server's process at each step of a call, with a worker of its own process and a world outside that counts.
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { behindHttp } from '../activities/mcp/behind-http.ts';
import type { Behind } from '../activities/mcp/behind-http.ts';
import { startEffectServer } from './effect-server.ts';
import { startAllInOne } from './fault-cluster.ts';
import { openToolSession } from './tool-fleet.ts';
import type { ToolFleet } from './tool-fleet.ts';

const WORLD = fileURLToPath(new URL('../support/mcp/world.ts', import.meta.url));
const CALLS = ['world__never', 'world__keyed', 'world__read'];

let fleet: ToolFleet;
let web: Behind;
beforeAll(async () => {
  await using started = new AsyncDisposableStack();
  const world = started.use(await startEffectServer());
  web = started.use(await behindHttp((_, port) => [WORLD, world.url, `${port}`]));
  const cluster = started.use(
    await startAllInOne({
      agents: { assistant: { tools: ['world__*', 'web__*'] } },
      mcpServers: {
        world: { command: process.execPath, args: [WORLD, world.url] },
        web: { url: web.settings.url },
      },
      // Nobody starts the one behind HTTP again but the test, on a machine that may be slow.
      policies: { toolRead: { attempts: 30 }, toolKeyed: { attempts: 30 } },
    }),
  );
  const kept = started.move();
  fleet = { cluster, world, [Symbol.asyncDispose]: () => kept.disposeAsync() };
}, 240_000);
afterAll(() => fleet[Symbol.asyncDispose]());

const done = () => ({
  never: fleet.world.done('never'),
  keyed: fleet.world.done('keyed'),
  read: fleet.world.effects('read').length,
});

/** A session whose worker's server has answered, so that its process is known. */
async function openSession(read = 'world__read') {
  const session = await openToolSession(fleet);
  await vi.waitUntil(
    async () => {
      const turn = await session.call([read]);
      return (await session.outcomes(turn))[read] === 'completed';
    },
    { timeout: 120_000, interval: 500 },
  );
  const { pid } = fleet.world.effects('read').at(-1)!;
  fleet.world.forget();
  return { session, pid, [Symbol.asyncDispose]: () => session[Symbol.asyncDispose]() };
}

const kill = (pid: number): void => void process.kill(pid, 'SIGKILL');

describe('kill -9 of an MCP server', () => {
  test('before a call is claimed: it is started again, and each call is made once', async () => {
    await using open = await openSession();
    const { session } = open;
    const turn = await session.call(CALLS, { text: 'let me see', holdAfter: 2 });
    await session.watcher.until('text', () => session.watcher.text(turn) !== '');
    kill(open.pid);
    fleet.cluster.model.release();
    expect(await session.outcomes(turn)).toEqual({
      world__never: 'completed',
      world__keyed: 'completed',
      world__read: 'completed',
    });
    expect(done()).toEqual({ never: 1, keyed: 1, read: 1 });
    expect(fleet.world.effects('never')[0]!.pid).not.toBe(open.pid);
    await session.expectOrdinaryTurn();
  });

  test.each([
    ['after the claim, before the effect', 'before', { never: 0, keyed: 1, read: 1 }],
    ['after the effect, before the result', 'after', { never: 1, keyed: 1, read: 2 }],
  ] as const)(
    '%s: what may run again does, under its key, and the rest is unknown',
    async (_, stage, counted) => {
      await using open = await openSession();
      const { session } = open;
      fleet.world.hold(stage);
      const turn = await session.call(CALLS);
      await fleet.world.waiting(stage, 3);
      kill(open.pid);
      fleet.world.go();
      expect(await session.outcomes(turn)).toEqual({
        world__never: 'unknown',
        world__keyed: 'completed',
        world__read: 'completed',
      });
      expect(done()).toEqual(counted);
      const keys = fleet.world.effects('keyed').map(({ key }) => key);
      expect(new Set(keys).size).toBe(1);
      expect(fleet.world.arrived.filter((run) => run.tool === 'never')).toHaveLength(
        stage === 'before' ? 1 : 2,
      );
      await session.expectOrdinaryTurn();
    },
  );

  test('behind HTTP, after the claim, before the effect: the same, once it is back', async () => {
    await using open = await openSession('web__read');
    const { session } = open;
    fleet.world.hold('before');
    const turn = await session.call(CALLS.map((name) => name.replace('world', 'web')));
    await fleet.world.waiting('before', 3);
    expect(open.pid).toBe(web.pid);
    await web.kill();
    fleet.world.go();
    await web.start();
    expect(await session.outcomes(turn)).toEqual({
      web__never: 'unknown',
      web__keyed: 'completed',
      web__read: 'completed',
    });
    expect(done()).toEqual({ never: 0, keyed: 1, read: 1 });
    expect(fleet.world.arrived.filter((run) => run.tool === 'never')).toHaveLength(1);
    expect(fleet.world.effects('keyed').map(({ pid }) => pid)).toEqual([web.pid]);
    await session.expectOrdinaryTurn();
  });

  test('after the result: it stays, nothing runs again, and the next call is made by a new process', async () => {
    await using open = await openSession();
    const { session } = open;
    const turn = await session.call(CALLS);
    await session.settledCalls(turn, 3);
    kill(open.pid);
    expect(await session.outcomes(turn)).toEqual({
      world__never: 'completed',
      world__keyed: 'completed',
      world__read: 'completed',
    });
    expect(done()).toEqual({ never: 1, keyed: 1, read: 1 });
    const next = await session.call(['world__never']);
    expect(await session.outcomes(next)).toEqual({ world__never: 'completed' });
    expect(fleet.world.effects('never').map(({ pid }) => pid === open.pid)).toEqual([true, false]);
  });
});

test('a result of 50 MB of an MCP server is refused in words, and its other tools go on', async () => {
  await using open = await openSession();
  const { session } = open;
  const turn = await session.call(['world__flood']);
  expect(await session.outcomes(turn)).toEqual({ world__flood: 'unknown' });
  expect(JSON.stringify(session.watcher.events)).toMatch(/more than \d+ (bytes|MiB)/);
  await session.expectOrdinaryTurn();
  const next = await session.call(['world__read']);
  expect(await session.outcomes(next)).toEqual({ world__read: 'completed' });
});
