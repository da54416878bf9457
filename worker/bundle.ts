/** The workflows as one script for the sandbox. Bundling takes seconds of both cores, so it is done once for the same sources. */
import { createHash, randomUUID } from 'node:crypto';
import {
  glob,
  mkdir,
  readFile,
  readdir,
  rename,
  rm,
  stat,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode } from '@temporalio/worker';
import type { Logger, WorkflowBundleOption } from '@temporalio/worker';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const WORKFLOWS = join(ROOT, 'workflows', 'index.ts');
const SHORT_STACKS = join(ROOT, 'workflows', 'short-stacks.ts');
/** Everything that can be in the bundle; the lock file stands for the packages. */
const SOURCES = ['workflows/**/*.ts', 'contracts/**/*.ts', 'package-lock.json'];

export interface BundleOptions {
  /** Where finished bundles are kept; a folder that cannot be written to is not an error. */
  readonly folder: string;
  readonly logger: Logger;
  /** Modules of workflow interceptors, for traces. */
  readonly interceptors: readonly string[];
  /** Whether workflows have whole stack traces, see workflows/short-stacks.ts. */
  readonly stackTraces: boolean;
}

export interface NamedBundle {
  readonly workflowBundle: WorkflowBundleOption;
  /** Names the code that ran, in five events of every turn: Temporal's own name would add 390 bytes to each turn's history. */
  readonly buildId: string;
}

const BUILD_ID_LENGTH = 8;

export async function workflowBundle(options: BundleOptions): Promise<NamedBundle> {
  const digest = await digestOf(options);
  return {
    workflowBundle: await bundleOf(digest, options),
    buildId: digest.slice(0, BUILD_ID_LENGTH),
  };
}

async function bundleOf(digest: string, options: BundleOptions): Promise<WorkflowBundleOption> {
  const codePath = join(options.folder, `workflows-${digest}.js`);
  if (await isKept(codePath)) return { codePath };
  const { code } = await bundleWorkflowCode({
    workflowsPath: WORKFLOWS,
    preloadModules: preloaded(options),
    workflowInterceptorModules: [...options.interceptors],
    logger: options.logger,
  });
  const kept = await keep(codePath, { code, folder: options.folder }).catch(() => false);
  return kept ? { codePath } : { code };
}

/** Read once for all sessions instead of once a session: a test proves that none of these modules keeps state. */
export const preloaded = ({ stackTraces }: Pick<BundleOptions, 'stackTraces'>): string[] =>
  stackTraces ? [WORKFLOWS] : [SHORT_STACKS, WORKFLOWS];

async function digestOf({
  interceptors,
  stackTraces,
}: Pick<BundleOptions, 'interceptors' | 'stackTraces'>): Promise<string> {
  const digest = createHash('sha256').update(JSON.stringify([interceptors, stackTraces]));
  const files = await Array.fromAsync(glob(SOURCES, { cwd: ROOT }));
  for (const file of files.toSorted()) digest.update(file).update(await readFile(join(ROOT, file)));
  return digest.digest('hex').slice(0, 16);
}

/** A use counts as news, so that only what nobody uses any more is old. */
const isKept = (codePath: string): Promise<boolean> =>
  utimes(codePath, new Date(), new Date()).then(
    () => true,
    () => false,
  );

/** Under another name first: a worker that starts at the same moment never sees half a bundle. */
async function keep(
  codePath: string,
  { code, folder }: { code: string; folder: string },
): Promise<true> {
  await mkdir(folder, { recursive: true });
  await removeOld(folder);
  const unfinished = join(folder, `.${randomUUID()}`);
  await writeFile(unfinished, code);
  await rename(unfinished, codePath);
  return true;
}

/** Bundles of releases that were not started for this long. */
const OLD_MS = 14 * 86_400_000;

async function removeOld(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    const path = join(folder, name);
    const { mtimeMs } = await stat(path);
    if (Date.now() - mtimeMs > OLD_MS) await rm(path, { force: true });
  }
}
