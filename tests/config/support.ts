import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { loadSettings } from '../../config/load.ts';
import { SettingsError } from '../../config/problems.ts';
import type { Problem } from '../../config/problems.ts';
import type { Settings } from '../../config/settings.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

interface Given {
  readonly yaml?: string;
  readonly env?: NodeJS.ProcessEnv;
}

/** Loads settings from a folder of its own, without asking for a model server on this machine. */
export async function load({ yaml, env = {} }: Given = {}): Promise<Settings> {
  await using folder = await temporaryFolder();
  if (yaml !== undefined) await writeFile(join(folder.path, 'perdure.yaml'), yaml);
  return await loadSettings({ cwd: folder.path, env, localModels: null });
}

/** The problems of settings that must be wrong. */
export async function problemsOf(given: Given): Promise<readonly Problem[]> {
  const error = await load(given).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof SettingsError))
    throw new Error('expected a SettingsError', { cause: error });
  return error.problems;
}
