import { expect, test } from 'vitest';
import { startSession } from '../support/watcher.ts';
import { startAllInOne } from './fault-cluster.ts';
import { openSession } from './fault-session.ts';

test('after kill -9 of the all-in-one process in mid-stream the answer is exact and the next turn is an ordinary one', async () => {
  await using cluster = await startAllInOne();
  await using session = await openSession(cluster);
  const asked = await session.askMidStream('first');

  await cluster.apis[0]?.kill();
  await cluster.apis[0]?.start();
  cluster.model.release();

  await session.expectAnswer(asked);
  await session.expectOrdinaryTurn('second');
  await session.expectWhole({ first: 2 });
});

test('a message sent while everything but Temporal is down is not lost', async () => {
  await using cluster = await startAllInOne();
  await using session = await openSession(cluster);
  await session.expectOrdinaryTurn('before');

  await cluster.apis[0]?.kill();
  const asking = session.ask('during');
  await expect(startSession(cluster.urls[0] ?? '')).rejects.toThrow('fetch failed');
  await cluster.apis[0]?.start();

  await session.expectAnswer(await asking);
  await session.expectWhole();
});

test('Temporal may restart in mid-stream: the answer is exact', async () => {
  await using cluster = await startAllInOne();
  await using session = await openSession(cluster);
  const asked = await session.askMidStream('restart');

  await cluster.temporal.stop();
  await cluster.temporal.start();
  cluster.model.release();

  await session.expectAnswer(asked);
  await session.expectOrdinaryTurn('after');
  // Whether the attempt outlives the restart depends on how long that takes.
  await session.expectWhole({ restart: [1, 2] });
});

test('after Temporal was restored from an earlier copy of its file, sessions go on and no turn is paid for twice', async () => {
  await using cluster = await startAllInOne();
  await using session = await openSession(cluster);
  await session.expectOrdinaryTurn('old');
  await cluster.temporal.stop();
  await cluster.temporal.copy('save');
  await cluster.temporal.start();
  const forgotten = await session.ask('forgotten');
  await session.expectAnswer(forgotten);

  // A worker that lives through a restoration would go on with what it remembers: docs/deployment.md says to stop it, too.
  await cluster.apis[0]?.kill();
  await cluster.temporal.stop();
  await cluster.temporal.copy('restore');
  await cluster.temporal.start();
  await cluster.apis[0]?.start();

  // The client does not know whether its last message arrived, and says it again.
  await session.repeat(forgotten);
  await session.expectOrdinaryTurn('new');
  await session.expectWhole();
});
