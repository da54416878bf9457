// What the documentation tells people who write tools of their own, in a folder outside of the clone.
import { mkdir, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { execa } from 'execa';
import { describe, expect, it, vi } from 'vitest';
import { jsonLines } from '../cli/command.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { blocksOf } from './markdown.ts';

vi.setConfig({ testTimeout: 300_000 });
const MAIN = resolve('cli/main.ts');
const TSC = resolve('node_modules/.bin/tsc');

const inDocs = (file: string, language: string, word: string): string[] =>
  blocksOf(file)
    .filter((block) => block.language === language && block.text.includes(word))
    .map(({ text }) => text);

const tools = (): string[] =>
  ['README.md', 'docs/tools.md'].flatMap((file) => inDocs(file, 'ts', 'export default defineTool'));

/** With the documented settings of TypeScript, and these tools. */
async function folderWith(files: readonly string[]) {
  const folder = await temporaryFolder();
  const [settings = ''] = inDocs('docs/tools.md', 'json', 'compilerOptions');
  await writeFile(
    join(folder.path, 'tsconfig.json'),
    settings.replace('/path/to/perdure', process.cwd()),
  );
  await mkdir(join(folder.path, 'tools'));
  for (const [index, text] of files.entries())
    await writeFile(join(folder.path, 'tools', `tool-${index}.ts`), text);
  return folder;
}

async function compiled(cwd: string): Promise<string> {
  const { stdout } = await execa(TSC, ['-p', '.'], { cwd, reject: false });
  return stdout;
}

describe("tools of one's own, as they are documented", () => {
  it('are loaded by a process from a folder anywhere, with nothing installed', async () => {
    await using folder = await folderWith(tools());
    await writeFile(join(folder.path, 'perdure.yaml'), 'toolsFolder: tools\n');
    const env = { TICKETS_TOKEN: 'x', PERDURE_HOME: folder.path };
    const args = [MAIN, 'doctor', '--json'];
    const options = { cwd: folder.path, env, reject: false };
    const { stdout } = await execa(process.execPath, args, options);
    expect(jsonLines(stdout).filter(({ check }) => check === 'tools')).toEqual([
      {
        check: 'tools',
        status: 'ok',
        detail: expect.stringMatching(/^dice, create_ticket in .*tools$/),
      },
    ]);
  });

  it('have types there', async () => {
    await using folder = await folderWith(tools());
    expect(await compiled(folder.path)).toBe('');
    const [dice = ''] = tools();
    await using wrong = await folderWith([dice.replace('Math.random() * sides', 'sides.length')]);
    expect(await compiled(wrong.path)).toMatch(
      /tool-0\.ts.*Property 'length' does not exist on type 'number'/,
    );
  });
});
