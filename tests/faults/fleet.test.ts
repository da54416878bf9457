import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { postgresDatabase } from '../support/database.ts';
import { startSession, watch } from '../support/watcher.ts';
import {
  expectExact,
  numbered,
  requestsFor,
  saidByTranscript,
  startFaultCluster,
  streaming,
} from './faults.ts';

test('after kill -9 of a worker in mid-stream another one gives the exact answer', async () => {
  await using database = await postgresDatabase();
  await using cluster = await startFaultCluster({ postgresUrl: database.url });
  const sessionId = await startSession(cluster.urls[0] ?? '');
  await using watcher = watch(cluster.urls, sessionId);
  const turn = await watcher.send('#killed tokens=60');
  await streaming(watcher, turn);

  await cluster.workers[0]?.kill();
  await cluster.workers[0]?.start();

  await expectExact(watcher, turn, numbered('killed', 60));
  expect(requestsFor(cluster, 'killed')).toBe(2);
  expect(watcher.events.some((event) => event.type === 'attempt.superseded')).toBe(true);
});

test('a worker killed between the commit of a step and its completion costs no second model request', async () => {
  await using database = await postgresDatabase();
  await using cluster = await startFaultCluster({ postgresUrl: database.url });
  const sessionId = await startSession(cluster.urls[0] ?? '');
  await using watcher = watch(cluster.urls, sessionId);
  const turn = await watcher.send('#once tokens=30');
  await streaming(watcher, turn, 2);

  // Temporal hears nothing of what the worker commits to the journal from here on.
  cluster.temporal.signal('SIGSTOP');
  await expectExact(watcher, turn, numbered('once', 30));
  await cluster.workers[0]?.kill();
  cluster.temporal.signal('SIGCONT');
  await cluster.workers[0]?.start();

  await expectExact(watcher, await watcher.send('#next tokens=3'), numbered('next', 3));
  expect(requestsFor(cluster, 'once')).toBe(1);
  expect(
    watcher.events.filter((event) => event.type === 'usage.recorded' && event.turn === turn),
  ).toHaveLength(1);
});

test('a worker frozen past its heartbeat writes nothing when it thaws', async () => {
  await using database = await postgresDatabase();
  await using cluster = await startFaultCluster({ postgresUrl: database.url, workers: 1 });
  const sessionId = await startSession(cluster.urls[0] ?? '');
  await using watcher = watch(cluster.urls, sessionId);
  const turn = await watcher.send('#frozen tokens=100');
  await streaming(watcher, turn);

  const frozen = cluster.workers[0];
  frozen?.signal('SIGSTOP');
  await using other = await cluster.addWorker();
  // The frozen worker's open polls are handed attempts until Temporal cuts its connection (`frontend.keepAliveTime`).
  await watcher.until('the second attempt', (events) =>
    events.some(({ attempt }) => attempt === 2),
  );
  frozen?.signal('SIGCONT');

  await expectExact(watcher, turn, numbered('frozen', 100));
  await sleep(1_000);
  const second = watcher.events.findIndex(({ attempt }) => attempt === 2);
  // Only what the aborted call has cost may still be noted.
  const late = watcher.events
    .slice(second)
    .filter(({ attempt, type }) => attempt === 1 && type !== 'usage.recorded');
  expect(late).toEqual([]);
  expect(other.running).toBe(true);
});

test('a worker that is asked to end hands its turn over: nothing is charged, nothing is said twice', async () => {
  await using database = await postgresDatabase();
  await using cluster = await startFaultCluster({ postgresUrl: database.url, workers: 2 });
  const sessionId = await startSession(cluster.urls[0] ?? '');
  await using watcher = watch(cluster.urls, sessionId);
  const turn = await watcher.send('#drain tokens=120');
  await streaming(watcher, turn);

  expect(await cluster.workers[0]?.drain()).toBe(0);
  await cluster.workers[0]?.start();
  expect(await cluster.workers[1]?.drain()).toBe(0);

  await expectExact(watcher, turn, numbered('drain', 120));
  expect(watcher.events.some((event) => event.type === 'model.retrying')).toBe(false);
});

test('clients of a killed API go on at another one without losing or repeating a token', async () => {
  await using database = await postgresDatabase();
  await using cluster = await startFaultCluster({ postgresUrl: database.url, apis: 2 });
  const sessionId = await startSession(cluster.urls[0] ?? '');
  await using watcher = watch(cluster.urls, sessionId);
  const turn = await watcher.send('#api tokens=60');
  await streaming(watcher, turn);

  await cluster.apis[0]?.kill();
  await sleep(500);
  await cluster.apis[0]?.start();
  await cluster.apis[1]?.kill();

  await expectExact(watcher, turn, numbered('api', 60));
  expect(requestsFor(cluster, 'api')).toBe(1);
});

test('a rolling restart of workers and APIs under open sessions loses nothing', async () => {
  await using database = await postgresDatabase();
  await using cluster = await startFaultCluster({ postgresUrl: database.url, apis: 2, workers: 2 });
  await using watchers = new AsyncDisposableStack();
  const open = await Promise.all(
    Array.from({ length: 6 }, async (_, index) => {
      const watcher = watchers.use(
        watch(cluster.urls, await startSession(cluster.urls[index % 2] ?? '')),
      );
      const turn = await watcher.send(`#roll${index} tokens=100`);
      return { watcher, turn, label: `roll${index}` };
    }),
  );
  await Promise.all(open.map(({ watcher, turn }) => streaming(watcher, turn, 2)));

  for (const process of [...cluster.workers, ...cluster.apis]) {
    await process.drain();
    await process.start();
  }

  for (const { watcher, turn, label } of open)
    await expectExact(watcher, turn, numbered(label, 100));
  for (const { watcher, label } of open) {
    await expectExact(
      watcher,
      await watcher.send(`#${label}-after tokens=3`),
      numbered(`${label}-after`, 3),
    );
    expect(await saidByTranscript(cluster, watcher)).toHaveLength(2);
  }
});
