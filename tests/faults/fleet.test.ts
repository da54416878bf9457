import { expect, test } from 'vitest';
import { startFleet } from './fault-cluster.ts';
import { openSession } from './fault-session.ts';
import { openSessions } from './open-sessions.ts';

test('after kill -9 of a worker in mid-stream another one gives the exact answer', async () => {
  await using cluster = await startFleet();
  await using session = await openSession(cluster);
  const asked = await session.askMidStream('killed');

  await cluster.workers[0]?.kill();
  await cluster.workers[0]?.start();
  cluster.model.release();

  await session.expectAnswer(asked);
  await session.expectWhole({ killed: 2 });
});

test('a worker killed between the commit of a step and its completion costs no second model request', async () => {
  await using cluster = await startFleet();
  await using session = await openSession(cluster);
  const asked = await session.askMidStream('once');

  // Temporal hears nothing of what the worker commits to the journal from here on.
  cluster.temporal.signal('SIGSTOP');
  cluster.model.release();
  await session.expectAnswer(asked);
  await cluster.workers[0]?.kill();
  cluster.temporal.signal('SIGCONT');
  await cluster.workers[0]?.start();

  await session.expectOrdinaryTurn('next');
  await session.expectWhole({ once: 1 });
});

test('a worker frozen past its heartbeat writes nothing when it thaws', async () => {
  await using cluster = await startFleet();
  await using session = await openSession(cluster);
  const asked = await session.askMidStream('frozen');

  const frozen = cluster.workers[0];
  frozen?.signal('SIGSTOP');
  await using other = await cluster.addWorker();
  // The frozen worker's open polls are handed attempts until Temporal cuts its connection (`frontend.keepAliveTime`).
  await session.nextAttempt(asked);
  frozen?.signal('SIGCONT');
  // Whatever it still had to say, it has tried to say when it ends.
  expect(await frozen?.drain()).toBe(0);
  cluster.model.release();

  await session.expectAnswer(asked);
  expect(other.running).toBe(true);
  await session.expectWhole({ frozen: 2 });
});

test('a worker that is asked to end hands its turn over: nothing is charged, nothing is said twice', async () => {
  await using cluster = await startFleet({ workers: 2 });
  await using session = await openSession(cluster);
  const asked = await session.askMidStream('drain', 150);

  expect(await cluster.workers[0]?.drain()).toBe(0);
  await cluster.workers[0]?.start();
  expect(await cluster.workers[1]?.drain()).toBe(0);
  cluster.model.release();

  await session.expectAnswer(asked);
  // The turn was with the second worker from the start, or came to it from the first.
  await session.expectWhole({ drain: [2, 3] });
});

test('clients of a killed API go on at another one without losing or repeating a token', async () => {
  await using cluster = await startFleet({ apis: 2 });
  await using session = await openSession(cluster);
  const asked = await session.askMidStream('api', 200);

  await cluster.apis[0]?.kill();
  await session.streaming(asked, 30);
  await cluster.apis[0]?.start();
  await cluster.apis[1]?.kill();
  cluster.model.release();

  await session.expectAnswer(asked);
  await session.expectWhole({ api: 1 });
});

test('a rolling restart of workers and APIs under open sessions loses nothing', async () => {
  await using cluster = await startFleet({ apis: 2, workers: 2 });
  await using open = await openSessions(cluster, 6);

  for (const process of [...cluster.workers, ...cluster.apis]) {
    expect(await process.drain()).toBe(0);
    await process.start();
  }
  cluster.model.release();

  await open.expectAllWhole();
});
