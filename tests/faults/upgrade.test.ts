import { Client, Connection } from '@temporalio/client';
import { cp, mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { postgresDatabase } from '../support/database.ts';
import { startSession, watch } from '../support/watcher.ts';
import { expectExact, numbered, requestsFor, startFaultCluster, streaming } from './faults.ts';

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

test('a rolling upgrade onto changed workflow code under open sessions loses nothing, and open sessions run the new code', async () => {
  await using database = await postgresDatabase();
  await using cluster = await startFaultCluster({ postgresUrl: database.url, apis: 2, workers: 2 });
  await using watchers = new AsyncDisposableStack();
  const open = await Promise.all(
    [0, 1, 2].map(async (index) => {
      const url = cluster.urls[index % 2] ?? '';
      const watcher = watchers.use(watch(cluster.urls, await startSession(url)));
      return { watcher, label: `up${index}`, turn: await watcher.send(`#up${index} tokens=150`) };
    }),
  );
  await Promise.all(open.map(({ watcher, turn }) => streaming(watcher, turn)));
  const main = await nextRelease(join(cluster.folder, 'next'));

  for (const process of [...cluster.workers, ...cluster.apis]) {
    expect(await process.drain()).toBe(0);
    await process.start(main);
  }

  for (const { watcher, turn, label } of open) {
    await expectExact(watcher, turn, numbered(label, 150));
    const after = `${label}-after`;
    await expectExact(watcher, await watcher.send(`#${after} tokens=3`), numbered(after, 3));
    expect(requestsFor(cluster, after)).toBe(1);
  }
  const connection = await Connection.connect({ address: cluster.temporal.address });
  const handle = new Client({ connection }).workflow.getHandle(open[0]?.watcher.sessionId ?? '');
  const metadata = await handle.query<{ currentDetails: string }>('__temporal_workflow_metadata');
  await connection.close();
  expect(metadata.currentDetails).toContain('Waiting for somebody');
});
