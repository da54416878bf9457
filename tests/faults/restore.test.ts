/** Temporal is set back in time under workers that live through it. */
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test, vi } from 'vitest';
import type { Cluster } from '../support/cluster.ts';
import type { ProductProcess } from '../support/processes.ts';
import { startAllInOne, startFleet } from './fault-cluster.ts';
import { openSession } from './fault-session.ts';

const POLL_MS = 100;
const NOTICED_WITHIN_MS = 60_000;

/** As the supervisor of `perdure up` and of every fleet does: what has ended is started again. */
function keepRunning(processes: readonly ProductProcess[]): AsyncDisposable {
  const stopping = new AbortController();
  const keep = async (process: ProductProcess): Promise<void> => {
    while (!stopping.signal.aborted) {
      if (!process.running) await process.start();
      await sleep(POLL_MS, undefined, { signal: stopping.signal }).catch(() => undefined);
    }
  };
  const keeping = processes.map(keep);
  return {
    [Symbol.asyncDispose]: async () => {
      stopping.abort();
      await Promise.all(keeping);
    },
  };
}

async function save({ temporal }: Cluster): Promise<void> {
  await temporal.stop();
  await temporal.copy('save');
  await temporal.start();
}

async function restore({ temporal }: Cluster): Promise<void> {
  await temporal.stop();
  await temporal.copy('restore');
  await temporal.start();
}

/** A worker that has seen what Temporal has forgotten starts afresh. */
const startedAgain = (process: ProductProcess | undefined, pid: number): Promise<void> =>
  vi.waitFor(() => expect(process?.pid).not.toBe(pid), { timeout: NOTICED_WITHIN_MS });

test('a worker that lives while Temporal is restored passes no message over', async () => {
  await using cluster = await startAllInOne();
  await using _ = keepRunning(cluster.apis);
  await using session = await openSession(cluster);
  await session.expectOrdinaryTurn('old');
  await save(cluster);
  const forgotten = await session.ask('forgotten');
  await session.expectAnswer(forgotten);

  const pid = cluster.apis[0]?.pid ?? 0;
  await restore(cluster);
  // The client does not know whether its last message arrived, and says it again.
  await session.repeat(forgotten);
  await session.expectOrdinaryTurn('new');
  await startedAgain(cluster.apis[0], pid);
  await session.expectWhole();
});

test('an answer that is under way before and after the restored moment is exact', async () => {
  await using cluster = await startFleet({ workers: 2 });
  await using _ = keepRunning(cluster.workers);
  await using session = await openSession(cluster);
  const asked = await session.askMidStream('both');

  await save(cluster);
  await restore(cluster);
  cluster.model.release();

  await session.expectAnswer(asked);
  await session.expectOrdinaryTurn('new');
  // Each of the two restarts may cost the attempt that was under way.
  await session.expectWhole({ both: [1, 4] });
});

test('a turn that was under way, of which the restored Temporal knows nothing, goes on by itself', async () => {
  await using cluster = await startAllInOne();
  await using _ = keepRunning(cluster.apis);
  await using session = await openSession(cluster);
  await session.expectOrdinaryTurn('old');
  await save(cluster);
  const forgotten = await session.askMidStream('forgotten');
  await restore(cluster);
  cluster.model.release();
  await session.expectAnswer(forgotten);
  await session.expectOrdinaryTurn('new');
  await session.expectWhole({ forgotten: [1, 4] });
});

test('after a restart that has lost nothing a worker goes on in its process', async () => {
  await using cluster = await startAllInOne();
  await using session = await openSession(cluster);
  await session.expectOrdinaryTurn('old');
  await save(cluster);
  await session.expectOrdinaryTurn('between');
  await cluster.temporal.stop();
  await cluster.temporal.start();
  await session.expectOrdinaryTurn('after');
  expect(cluster.apis[0]?.running).toBe(true);
  await session.expectWhole();
});
