// kill -9 of a real API process, or of a worker, under a runner that executes calls, and under one whose results wait on its disk.
import { once } from 'node:events';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, describe, test } from 'vitest';
import type { EventData, PerdureEvent } from '../../contracts/events.ts';
import { uniqueName } from '../api/support/fixture.ts';
import { CallFiles } from '../../runner/call-files.ts';
import { startCounter } from '../runner/support/counter.ts';
import { startHoldingProxy } from '../runner/support/holding-proxy.ts';
import { machineIn, startPerdureRunner } from '../runner/support/perdure-runner.ts';
import { RunnerProcess } from '../runner/support/runner-process.ts';
import type { Cluster } from '../support/cluster.ts';
import { startSession, watch } from '../support/watcher.ts';
import { startAllInOne, startFleet } from './fault-cluster.ts';

const COUNTING = ['count_never_retry', 'count_keyed', 'count_read'];
const EACH_ONCE = COUNTING.toSorted().map((name) => ({
  name,
  outcome: 'completed',
  result: { counted: 1 },
}));

/** A session on that runner; its model makes these calls in its first step. */
async function calling(
  { model, urls }: Cluster,
  runner: string,
  toolCalls: readonly { readonly name: string; readonly arguments: object }[],
) {
  const watcher = watch(urls, await startSession(urls[0]!, { runner: { name: runner } }));
  model.script({ toolCalls });
  const turn = await watcher.send('#done tokens=2');
  return {
    watcher,
    /** How each call ended, once the turn has; each has ended once. */
    async settled(): Promise<readonly EventData<'tool.settled'>[]> {
      const view = await watcher.settled(turn, 240_000);
      expect(view.outcome).toBe('completed');
      const ids = (type: 'tool.requested' | 'tool.settled') =>
        of(watcher.events, type).map(({ callId }) => callId);
      expect(ids('tool.settled').toSorted()).toEqual(ids('tool.requested').toSorted());
      return of(watcher.events, 'tool.settled').toSorted((a, b) => (a.name < b.name ? -1 : 1));
    },
    [Symbol.asyncDispose]: () => watcher[Symbol.asyncDispose](),
  };
}

const of = <T extends PerdureEvent['type']>(events: readonly PerdureEvent[], type: T) =>
  events.flatMap((event) => (event.type === type ? [event.data as EventData<T>] : []));

async function countingRunner(cluster: Cluster, counter: string, url = cluster.urls[0]!) {
  const name = uniqueName('counting');
  const folder = join(cluster.folder, name);
  await mkdir(folder);
  const runner = await new RunnerProcess({ url, counter, name, folder }).start();
  return { name, runner, kept: () => keptIn(join(folder, name)) };
}

/** A runner that executes each of these calls, which hold. */
async function heldOnRunner(cluster: Cluster) {
  await using opened = new AsyncDisposableStack();
  const counter = opened.use(await startCounter());
  const { name, runner, kept } = await countingRunner(cluster, counter.url);
  opened.use(runner);
  const toolCalls = COUNTING.map((tool) => ({ name: tool, arguments: { hold: true } }));
  const session = opened.use(await calling(cluster, name, toolCalls));
  await runner.until(() => counter.total === 3);
  const all = opened.move();
  return { counter, runner, kept, session, [Symbol.asyncDispose]: () => all.disposeAsync() };
}

/** What the runner's disk says of its calls. */
const keptIn = (state: string): string[] =>
  new CallFiles(join(state, 'calls')).all(() => expect.unreachable()).map((call) => call.state);

describe.each([
  { what: 'API of a fleet', start: () => startFleet() },
  { what: 'all-in-one process', start: () => startAllInOne() },
])('kill -9 of the $what', ({ start }) => {
  test('while a runner executes calls: it finishes them, connects again and delivers, each from one execution', async () => {
    await using cluster = await start();
    await using held = await heldOnRunner(cluster);
    const { counter, runner, kept, session } = held;

    await cluster.apis[0]?.kill();
    counter.release();
    // With nobody to take them.
    await runner.until(() => runner.said('finished').length === 3);
    expect(kept()).toEqual(['done', 'done', 'done']);
    expect(runner.said('delivered').length).toBe(0);
    await cluster.apis[0]?.start();

    expect(await session.settled()).toMatchObject(EACH_ONCE);
    expect(counter.total).toBe(3);
    await runner.until(() => runner.said('delivered').length === 3 && kept().length === 0);
  });

  test('while a result waits on the disk of a runner that is killed, too: the next runner process delivers it, and the command ran once', async () => {
    await using cluster = await start();
    const { name, workdir, args } = await machineIn(cluster.folder, cluster.urls[0]!);
    const state = args.at(-1)!;
    const allowed = [...args, '--allow', 'run_command'];
    await using first = await startPerdureRunner(allowed);
    const command = 'echo run >> runs; until [ -e go ]; do sleep 0.05; done; echo went';
    await using session = await calling(cluster, name, [
      { name: 'run_command', arguments: { command } },
    ]);
    await expect.poll(() => runsIn(workdir), PATIENCE).toBe('run\n');

    await cluster.apis[0]?.kill();
    await writeFile(join(workdir, 'go'), '');
    await expect.poll(() => keptIn(state), PATIENCE).toEqual(['done']);
    first.child.kill('SIGKILL');
    await once(first.child, 'exit');
    await cluster.apis[0]?.start();
    await using second = await startPerdureRunner(allowed);

    expect(await session.settled()).toMatchObject([
      { name: 'run_command', outcome: 'completed', result: 'went\n[exit code 0]' },
    ]);
    expect(await runsIn(workdir)).toBe('run\n');
    await expect.poll(() => second.out(), PATIENCE).toContain('"delivered"');
    expect(second.out()).not.toContain('"started"');
    await expect.poll(() => keptIn(state), PATIENCE).toEqual([]);
  });
});

test('kill -9 of the worker alone while a runner executes calls: the API takes their results, and the next worker goes on with them', async () => {
  await using cluster = await startFleet();
  await using held = await heldOnRunner(cluster);
  const { counter, runner, kept, session } = held;

  await cluster.workers[0]?.kill();
  counter.release();
  await runner.until(() => runner.said('delivered').length === 3 && kept().length === 0);
  await cluster.workers[0]?.start();

  expect(await session.settled()).toMatchObject(EACH_ONCE);
  expect(counter.total).toBe(3);
  const next = await session.watcher.settled(await session.watcher.send('#next tokens=2'));
  expect(next.outcome).toBe('completed');
});

test('kill -9 of the API with a result taken whose runner has not heard so: the runner gives it again, and nothing comes of that', async () => {
  await using cluster = await startFleet();
  await using counter = await startCounter();
  await using proxy = await startHoldingProxy(cluster.urls[0]!);
  const { name, runner, kept } = await countingRunner(cluster, counter.url, proxy.url);
  await using _ = runner;
  const taken = proxy.hold('tool.result', 'answer');
  await using session = await calling(cluster, name, [{ name: COUNTING[0]!, arguments: {} }]);
  await taken;

  await cluster.apis[0]?.kill();
  expect(kept()).toEqual(['done']);
  proxy.release();
  await cluster.apis[0]?.start();

  expect(await session.settled()).toMatchObject([
    { name: COUNTING[0], outcome: 'completed', result: { counted: 1 } },
  ]);
  await runner.until(
    () =>
      runner.said('dropped').length + runner.said('delivered').length === 1 && kept().length === 0,
  );
  expect(counter.total).toBe(1);
  const next = await session.watcher.settled(await session.watcher.send('#next tokens=2'));
  expect(next.outcome).toBe('completed');
  expect(of(session.watcher.events, 'tool.settled')).toHaveLength(1);
});

const PATIENCE = { timeout: 120_000, interval: 50 };

const runsIn = (workdir: string): Promise<string> =>
  readFile(join(workdir, 'runs'), 'utf8').catch(() => '');
