import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadTools } from '../../activities/tools/defined/load-folder.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

/** Source text of each field; undefined where it is left out. */
type Fields = Readonly<Record<string, string | undefined>>;

const SOUND: Fields = {
  name: `'throw_dice'`,
  description: `'Throws dice.'`,
  input: 'z.object({})',
  execute: '() => 1',
};

function fileWith(fields: Fields): string {
  const all = Object.entries({ ...SOUND, ...fields });
  const given = all.flatMap(([name, text]) => (text === undefined ? [] : [`${name}: ${text}`]));
  return `import { defineTool, z } from 'perdure/tools';\nexport default defineTool({ ${given.join(', ')} });\n`;
}

/** What is said of a folder with this one file. */
async function reasons(text: string, loadMs?: number): Promise<string[]> {
  await using folder = await temporaryFolder();
  const file = join(folder.path, 'dice.mjs');
  await writeFile(file, text);
  const { problems, tools } = await loadTools(folder.path, loadMs);
  if (problems.length > 0) expect(tools).toEqual([]);
  for (const problem of problems) expect(problem.file).toBe(file);
  return problems.map(({ reason }) => reason.split('\n')[0]!);
}

describe('a tool that somebody defines', () => {
  it('is taken as it is documented', async () => {
    expect(await reasons(fileWith({}))).toEqual([]);
  });

  it.each<readonly [string, Fields, RegExp]>([
    ['no name', { name: undefined }, /^name: is missing/],
    ['a name of an MCP server', { name: `'a__b'` }, /^name: expected no "__"/],
    ['a name that begins with a digit', { name: `'1a'` }, /^name: expected a letter/],
    ['a name that is too long', { name: `'a'.repeat(65)` }, /^name: expected a letter/],
    ['no description', { description: undefined }, /^description: is missing/],
    ['an empty description', { description: `''` }, /^description: Too small/],
    ['an endless description', { description: `'x'.repeat(4_001)` }, /^description: Too big/],
    ['no input', { input: undefined }, /^input: expected a zod or JSON Schema/],
    ['an input that is a text', { input: `'text'` }, /^input: expected a zod or JSON Schema/],
    ['an input of no object', { input: 'z.string()' }, /^input: expected the schema of an object/],
    [
      'an input that JSON has no word for',
      { input: 'z.object({ at: z.date() })' },
      /^input: cannot/,
    ],
    ['an input of zod 3', { input: `{ safeParse() {}, type: 'object' }` }, /^input: is .* zod 3/],
    [
      'a pattern that may take for ever',
      { input: `{ type: 'object', properties: { a: { pattern: '(?=a)b' } } }` },
      /^input\.properties\.a\.pattern: .* RE2 knows/,
    ],
    [
      'a word that is none of JSON Schema',
      { input: `{ type: 'object', properties: { a: { type: 'txt' } } }` },
      /^input\.properties\.a\.type: .*expected JSON Schema 2020-12/,
    ],
    [
      'a reference that leads out',
      { input: `{ type: 'object', properties: { a: { $ref: 'https://example.com/a' } } }` },
      /^input: can't resolve reference https:\/\/example\.com\/a/,
    ],
    [
      'an output that JSON has no word for',
      { output: 'z.map(z.string(), z.string())' },
      /^output: /,
    ],
    ['another effect', { effect: `'sometimes'` }, /^effect: .*"read"\|"keyed"\|"never-retry"/],
    ['a short time limit', { timeoutMs: '10' }, /^timeoutMs: .*>=1000/],
    ['a long time limit', { timeoutMs: '1_800_001' }, /^timeoutMs: .*<=1800000/],
    ['another approval', { approval: `'maybe'` }, /^approval: .*"never"\|"always"\|"policy"/],
    ['a secret itself', { secrets: `['sk-1234']` }, /^secrets\.0: .*never the key itself$/],
    ['one secret, not in a list', { secrets: `'TOKEN'` }, /^secrets: .*expected array/],
    ['a workspace that is a word', { needsWorkspace: `'yes'` }, /^needsWorkspace: /],
    ['nothing to execute', { execute: undefined }, /^execute: expected a function/],
    ['a probe that is none', { probe: '1' }, /^probe: expected a function/],
    [
      'a probe that is never asked',
      { probe: `() => 'unknown'`, effect: `'read'` },
      /^probe: only a never-retry tool is asked, and this one is read$/,
    ],
    ['a field that is misspelt', { excute: '() => 1' }, /^Unrecognized key: "excute"$/],
  ])('is refused with %s', async (_, fields, reason) => {
    expect(await reasons(fileWith(fields))).toEqual([expect.stringMatching(reason)]);
  });

  it('is refused with all that is wrong with it', async () => {
    expect(await reasons(fileWith({ effect: '1', approval: '2', execute: '3' }))).toHaveLength(3);
  });

  const ours = `import { defineTool } from 'perdure/tools';\n`;
  it.each([
    ['without options', `${ours}export default defineTool();`, /^the definition: is missing/],
    ['in an empty list', 'export default [];', /^has no tool: expected/],
    [
      'that is never called',
      `${ours}export default defineTool;`,
      /^is not what defineTool returns/,
    ],
    [
      'that imports nothing',
      `import './nowhere.mjs';`,
      /^cannot be loaded: Error: Cannot find module/,
    ],
    ['that throws what is no error', 'throw null;', /^cannot be loaded: null$/],
  ])('is refused in a file %s', async (_, text, reason) => {
    expect(await reasons(text)).toEqual([expect.stringMatching(reason)]);
  });

  it('is refused in a file that never finishes loading', async () => {
    const waiting = `${fileWith({})}await new Promise(() => {});\n`;
    expect(await reasons(waiting, 100)).toEqual([
      'cannot be loaded: Error: it was not done after 0.1 s; does it wait for something?',
    ]);
  });
});
