import { createHash } from 'node:crypto';
import { glob, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { WorkflowBundlePathWithSourceMap } from '@temporalio/worker';
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';
import { cached } from '../../servers/cache.ts';
import { preloaded } from '../../worker/bundle.ts';
import { quietTemporal } from './quiet-temporal.ts';

type Bundle = Pick<WorkflowBundlePathWithSourceMap, 'codePath'>;

const root = fileURLToPath(new URL('../..', import.meta.url));
const SOURCES = [
  'workflows/**/*.ts',
  'contracts/**/*.ts',
  'tests/**/workflows/*.ts',
  'worker/bundle.ts',
  'package-lock.json',
];

/**
 * The workflow bundle of the present sources, for `Worker.create({ workflowBundle })`. Bundling takes seconds of both
 * cores, so the test files of a run share one, found by the digest of everything that can be in it.
 */
export async function testBundle(workflowsPath: string): Promise<Bundle> {
  quietTemporal();
  const name = `workflows-${await digestOf(workflowsPath)}`;
  const build = async (folder: string) => {
    const { code } = await bundleWorkflowCode({
      workflowsPath,
      preloadModules: preloaded({ stackTraces: false }),
      logger: new DefaultLogger('WARN'),
    });
    await writeFile(join(folder, 'bundle.js'), code);
  };
  const folder = await cached({ name, cacheDir: join(root, '.results', 'bundles'), build });
  return { codePath: join(folder, 'bundle.js') };
}

async function digestOf(workflowsPath: string): Promise<string> {
  const digest = createHash('sha256').update(workflowsPath);
  const files = await Array.fromAsync(glob(SOURCES, { cwd: root }));
  for (const file of files.toSorted()) digest.update(file).update(await readFile(join(root, file)));
  return digest.digest('hex').slice(0, 16);
}
