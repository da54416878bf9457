import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { loadSettings } from '../../config/load.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { blocksOf, documents } from './markdown.ts';

const samples = documents()
  .flatMap(blocksOf)
  .filter(({ mark }) => mark === 'settings');

test('every perdure.yaml that the documentation shows is valid', async () => {
  expect(samples).not.toEqual([]);
  await using folder = await temporaryFolder();
  for (const { text } of samples) {
    const file = join(folder.path, 'perdure.yaml');
    await writeFile(file, text);
    const settings = await loadSettings({ cwd: folder.path, env: {}, localModels: null });
    expect(settings.file).toBe(file);
  }
});
