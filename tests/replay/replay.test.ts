// A change of workflow code that breaks one of these needs `patched()`: sessions of the release before are open when it is deployed.
import { readdir, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { Worker } from '@temporalio/worker';
import { beforeAll, expect, test } from 'vitest';
import { testBundle } from '../support/bundle.ts';
import { workflowsPath } from '../workflows/support/session-kit.ts';
import { decodeHistory, HISTORIES, recordMissing, type KeptRun } from './recording.ts';
import { SCENARIOS } from './scenarios.ts';

beforeAll(async () => {
  if (process.env['PERDURE_RECORD']) await recordMissing();
});

test('every scenario has a kept history', async () => {
  const kept = (await readdir(HISTORIES)).map((file) => basename(file, '.json'));
  expect(kept).toEqual(expect.arrayContaining(Object.keys(SCENARIOS)));
});

test('every kept history replays on the present code', async () => {
  const workflowBundle = await testBundle(workflowsPath);
  const histories = await keptHistories();
  const failures: string[] = [];
  let replayed = 0;
  for await (const result of Worker.runReplayHistories({ workflowBundle }, histories)) {
    replayed += 1;
    if (result.error) failures.push(`${result.workflowId}: ${result.error.message}`);
  }
  expect(failures).toEqual([]);
  expect(replayed).toBe(histories.length);
});

/** Every run of every kept session, named after its scenario. */
async function keptHistories() {
  const files = await readdir(HISTORIES);
  const runs = await Promise.all(
    files.map(async (file) => {
      const runs = JSON.parse(await readFile(join(HISTORIES, file), 'utf8')) as KeptRun[];
      return runs.map((kept, run) => ({
        workflowId: `${basename(file, '.json')}-${run}`,
        history: decodeHistory(kept),
      }));
    }),
  );
  return runs.flat();
}
