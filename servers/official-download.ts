import { lookup } from 'node:dns/promises';
import { readdir, rename, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import type { Link } from './chain.ts';
import { makeAndKeep } from './kept-program.ts';
import type { KeptProgram } from './kept-program.ts';

/** Where the Temporal SDK downloads its servers from. */
const DOWNLOAD_HOST = 'temporal.download';
const RESOLVE_TIMEOUT_MS = 3_000;

/** What the SDK is told to run. */
export interface CachedDownload {
  readonly type: 'cached-download';
  readonly downloadDir: string;
  readonly version: string;
}

export interface Download {
  readonly what: string;
  readonly version: string;
  /** Starts the server by the SDK, which downloads it for that. */
  readonly start: (
    environment: typeof TestWorkflowEnvironment,
    executable: CachedDownload,
  ) => Promise<TestWorkflowEnvironment>;
}

export function officialDownload(kept: KeptProgram, { what, version, start }: Download): Link {
  const build = async (folder: string) => {
    // Only here: the SDK's native part takes a second to load, and nearly every run finds the program before.
    const { TestWorkflowEnvironment } = await import('@temporalio/testing');
    const executable: CachedDownload = {
      type: 'cached-download',
      downloadDir: folder,
      version: `v${version}`,
    };
    const environment = await start(TestWorkflowEnvironment, executable);
    await environment.teardown();
    await rename(await largestFile(folder), join(folder, kept.program));
  };
  return {
    tried: 'the official download',
    slow: true,
    find: async () => {
      const reason = await whyNotReachable();
      return reason ? { reason } : makeAndKeep(kept, { what, build });
    },
  };
}

/** Why a download cannot work, or nothing. The SDK itself would wait for minutes on a host that does not resolve. */
async function whyNotReachable(): Promise<string | undefined> {
  const resolved = await Promise.race([
    lookup(DOWNLOAD_HOST).then(
      () => true,
      () => false,
    ),
    sleep(RESOLVE_TIMEOUT_MS, false, { ref: false }),
  ]);
  return resolved ? undefined : `${DOWNLOAD_HOST} cannot be resolved`;
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
