import { chmod } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'vitest';
import { freePort } from '../../servers/child.ts';
import { startPostgres } from '../../servers/postgres.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { startFleetOn } from './fault-cluster.ts';
import { openSession } from './fault-session.ts';

test('PostgreSQL may restart in mid-stream: the answer is exact and the next turn is an ordinary one', async () => {
  await using parent = await temporaryFolder();
  // PostgreSQL runs as a user of its own where the tests run as root.
  await chmod(parent.path, 0o755);
  const options = { folder: join(parent.path, 'postgres'), port: await freePort() };
  let server = await startPostgres(options);
  await using servers = new AsyncDisposableStack();
  servers.defer(() => server.stop());
  await using cluster = await startFleetOn(server.url);
  await using session = await openSession(cluster);
  const asked = await session.askMidStream('database', 100);

  await server.stop();
  server = await startPostgres(options);
  cluster.model.release();

  await session.expectAnswer(asked);
  await session.expectOrdinaryTurn('after');
  // The attempt gives up where the database takes longer than it waits.
  await session.expectWhole({ database: [1, 2] });
});
