import { chmod } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { freePort } from '../../servers/child.ts';
import { startPostgres } from '../../servers/postgres.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { startSession, watch } from '../support/watcher.ts';
import { expectExact, numbered, saidByTranscript, startFaultCluster, streaming } from './faults.ts';

test('PostgreSQL may restart in mid-stream: the answer is exact and the next turn is an ordinary one', async () => {
  await using parent = await temporaryFolder();
  // PostgreSQL runs as a user of its own where the tests run as root.
  await chmod(parent.path, 0o755);
  const options = { folder: join(parent.path, 'postgres'), port: await freePort() };
  let server = await startPostgres(options);
  await using servers = new AsyncDisposableStack();
  servers.defer(() => server.stop());
  await using cluster = await startFaultCluster({ postgresUrl: server.url });
  const sessionId = await startSession(cluster.urls[0] ?? '');
  await using watcher = watch(cluster.urls, sessionId);
  const turn = await watcher.send('#database tokens=100');
  await streaming(watcher, turn);

  await server.stop();
  server = await startPostgres(options);

  await expectExact(watcher, turn, numbered('database', 100));
  await expectExact(watcher, await watcher.send('#after tokens=3'), numbered('after', 3));
  expect(await saidByTranscript(cluster, watcher)).toEqual([
    numbered('database', 100),
    numbered('after', 3),
  ]);
});
