import { Client, Connection } from '@temporalio/client';
import { cp, mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test, vi } from 'vitest';
import type { Cluster } from '../support/cluster.ts';
import { startFleet } from './fault-cluster.ts';
import { openSessions } from './open-sessions.ts';

const REPOSITORY = fileURLToPath(new URL('../../', import.meta.url));
const ROOMS = [
  ...['activities', 'api', 'cli', 'client', 'config', 'contracts', 'docs', 'journal', 'servers'],
  ...['telemetry', 'worker', 'workflows', 'package.json'],
];

/** A second checkout whose workflow code tells the Temporal UI something else. */
async function nextRelease(folder: string): Promise<string> {
  await mkdir(folder);
  for (const room of ROOMS)
    await cp(join(REPOSITORY, room), join(folder, room), { recursive: true });
  await symlink(join(REPOSITORY, 'node_modules'), join(folder, 'node_modules'));
  const story = join(folder, 'workflows/session/story.ts');
  const source = await readFile(story, 'utf8');
  const changed = source.replace("'Waiting for a message'", "'Waiting for somebody'");
  expect(changed).not.toBe(source);
  await writeFile(story, changed);
  return join(folder, 'cli/main.ts');
}

/** What the Temporal UI tells of a session. */
async function storyOf(cluster: Cluster, sessionId: string): Promise<string> {
  const connection = await Connection.connect({ address: cluster.temporal.address });
  const handle = new Client({ connection }).workflow.getHandle(sessionId);
  const metadata = await handle.query<{ currentDetails: string }>('__temporal_workflow_metadata');
  await connection.close();
  return metadata.currentDetails;
}

test('a rolling upgrade onto changed workflow code under open sessions loses nothing, and open sessions run the new code', async () => {
  await using cluster = await startFleet({ apis: 2, workers: 2 });
  await using open = await openSessions(cluster, 3);
  const main = await nextRelease(join(cluster.folder, 'next'));

  for (const process of [...cluster.workers, ...cluster.apis]) {
    expect(await process.drain()).toBe(0);
    await process.start(main);
  }
  cluster.model.release();

  await open.expectAllWhole();
  // The journal knows that a turn is over before Temporal does.
  await vi.waitFor(
    async () => {
      const story = await storyOf(cluster, open.sessionIds[0] ?? '');
      expect(story).toContain('Waiting for somebody');
    },
    { timeout: 60_000, interval: 500 },
  );
});
