import { lookup } from 'node:dns/promises';
import { readdir, rename, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { TestWorkflowEnvironment } from '@temporalio/testing';

/** Where the Temporal SDK downloads its servers from. */
const DOWNLOAD_HOST = 'temporal.download';
const RESOLVE_TIMEOUT_MS = 3_000;

/** Why a download cannot work, or nothing. The SDK itself would wait for minutes on a host that does not resolve. */
export async function whyNotReachable(): Promise<string | undefined> {
  const resolved = await Promise.race([
    lookup(DOWNLOAD_HOST).then(
      () => true,
      () => false,
    ),
    sleep(RESOLVE_TIMEOUT_MS, false, { ref: false }),
  ]);
  return resolved ? undefined : `${DOWNLOAD_HOST} cannot be resolved`;
}

/** The SDK downloads while it starts a server: start one, stop it, and keep the program under its own name. */
export async function keepDownloaded(
  folder: string,
  program: string,
  start: (folder: string) => Promise<TestWorkflowEnvironment>,
): Promise<void> {
  const environment = await start(folder);
  await environment.teardown();
  await rename(await largestFile(folder), join(folder, program));
}

async function largestFile(folder: string): Promise<string> {
  const paths = (await readdir(folder)).map((name) => join(folder, name));
  const sized = await Promise.all(
    paths.map(async (path) => ({ path, size: (await stat(path)).size })),
  );
  const largest = sized.toSorted((a, b) => b.size - a.size)[0];
  if (!largest) throw new Error('the download left no file');
  return largest.path;
}
