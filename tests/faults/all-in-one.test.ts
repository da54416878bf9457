import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { startSession, watch } from '../support/watcher.ts';
import {
  expectExact,
  expectJournal,
  numbered,
  requestsFor,
  saidByTranscript,
  startFaultCluster,
  streaming,
} from './faults.ts';

test('after kill -9 of the all-in-one process in mid-stream the answer is exact and the next turn is an ordinary one', async () => {
  await using cluster = await startFaultCluster();
  const sessionId = await startSession(cluster.urls[0] ?? '');
  await using watcher = watch(cluster.urls, sessionId);
  const turn = await watcher.send('#first tokens=60');
  await streaming(watcher, turn);

  await cluster.apis[0]?.kill();
  await cluster.apis[0]?.start();

  await expectExact(watcher, turn, numbered('first', 60));
  expect(requestsFor(cluster, 'first')).toBe(2);
  await expectExact(watcher, await watcher.send('#second tokens=5'), numbered('second', 5));
  expect(requestsFor(cluster, 'second')).toBe(1);
  expect(await saidByTranscript(cluster, watcher)).toEqual([
    numbered('first', 60),
    numbered('second', 5),
  ]);
});

test('a message sent while everything but Temporal is down is not lost', async () => {
  await using cluster = await startFaultCluster();
  const sessionId = await startSession(cluster.urls[0] ?? '');
  await using watcher = watch(cluster.urls, sessionId);
  await expectExact(watcher, await watcher.send('#before tokens=3'), numbered('before', 3));

  await cluster.apis[0]?.kill();
  const sending = watcher.send('#during tokens=3');
  await sleep(500);
  await cluster.apis[0]?.start();

  await expectExact(watcher, await sending, numbered('during', 3));
  expect(requestsFor(cluster, 'during')).toBe(1);
  await expectJournal(cluster, watcher, [numbered('before', 3), numbered('during', 3)]);
});

test('Temporal may restart in mid-stream: the answer is exact', async () => {
  await using cluster = await startFaultCluster();
  const sessionId = await startSession(cluster.urls[0] ?? '');
  await using watcher = watch(cluster.urls, sessionId);
  const turn = await watcher.send('#restart tokens=60');
  await streaming(watcher, turn);

  await cluster.temporal.stop();
  await cluster.temporal.start();

  await expectExact(watcher, turn, numbered('restart', 60));
  await expectExact(watcher, await watcher.send('#after tokens=3'), numbered('after', 3));
  expect(requestsFor(cluster, 'restart')).toBeLessThanOrEqual(2);
  expect(requestsFor(cluster, 'after')).toBe(1);
  await expectJournal(cluster, watcher, [numbered('restart', 60), numbered('after', 3)]);
});

test('after Temporal was restored from an earlier copy of its file, sessions go on and no turn is paid for twice', async () => {
  await using cluster = await startFaultCluster();
  const sessionId = await startSession(cluster.urls[0] ?? '');
  await using watcher = watch(cluster.urls, sessionId);
  await expectExact(watcher, await watcher.send('#old tokens=3'), numbered('old', 3));
  await cluster.temporal.stop();
  await cluster.temporal.copy('save');
  await cluster.temporal.start();
  const forgotten = await watcher.send('#forgotten tokens=3');
  await expectExact(watcher, forgotten, numbered('forgotten', 3));

  // A worker that lives through a restoration would go on with what it remembers: docs/deployment.md says to stop it, too.
  await cluster.apis[0]?.kill();
  await cluster.temporal.stop();
  await cluster.temporal.copy('restore');
  await cluster.temporal.start();
  await cluster.apis[0]?.start();

  // The client does not know whether its last message arrived, and says it again.
  await watcher.send('#forgotten tokens=3', { messageId: forgotten });
  await expectExact(watcher, await watcher.send('#new tokens=3'), numbered('new', 3));
  expect(requestsFor(cluster, 'forgotten')).toBe(1);
  expect(await saidByTranscript(cluster, watcher)).toEqual(
    ['old', 'forgotten', 'new'].map((label) => numbered(label, 3)),
  );
});
