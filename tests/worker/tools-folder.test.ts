import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { SettingsError } from '../../config/problems.ts';
import { settingsSchema } from '../../config/schema.ts';
import { agentSchema } from '../../contracts/settings.ts';
import { inspectTools, openTools } from '../../worker/tools.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const PARTS = {
  log: { debug() {}, info() {}, warn() {}, error() {} },
  secrets: () => undefined,
};

const tool = (name: string, more = '') =>
  `defineTool({ name: '${name}', description: 'x', input: { type: 'object' }, execute: () => 1, ${more} })`;
const file = (...tools: string[]) =>
  `import { defineTool } from 'perdure/tools';\nexport default ${tools.length === 1 ? tools[0] : `[${tools.join(', ')}]`};\n`;

async function folderOf(files: Record<string, string>) {
  const folder = await temporaryFolder();
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder.path, name), text);
  return folder;
}

const settingsOf = (toolsFolder: string | null, tools: string[] = []) => ({
  ...settingsSchema.parse({}),
  home: '/nowhere',
  toolsFolder,
  catalogue: {
    ...{ providers: {}, models: {}, defaultModel: 'm', defaultAgent: 'a' },
    agents: { a: agentSchema.parse({ tools }) },
  },
});

describe('a folder of tools', () => {
  it('gives the tools of its files, whose names agents may then use', async () => {
    await using folder = await folderOf({
      'one.ts': file(tool('one')).replace('execute: () => 1', 'execute: (): number => 1'),
      'more.mjs': file(tool('two'), tool('three')),
      'old.js': file(tool('four')),
      '_shared.ts': 'throw new Error("is not a tool");',
      'one.test.ts': 'throw new Error("is not a tool");',
      'readme.md': '# not a tool',
    });
    const registry = await openTools(settingsOf(folder.path, ['one', 'read_file']), PARTS);
    expect(registry.sources.flatMap(({ known }) => known ?? [])).toEqual(
      expect.arrayContaining(['one', 'two', 'three', 'four', 'list_files']),
    );
  });

  it('is refused with every problem of every file, beside the names of agents that lead nowhere', async () => {
    await using folder = await folderOf({
      'a-syntax.mjs': 'export default {\n  name: "x"\n  description: 1\n};',
      'b-throws.js': 'throw new Error("no database");',
      'c-nothing.js': 'export const tool = 1;',
      'd-plain.js': 'export default { name: "plain" };',
      'e-fields.js': file(tool('fields').replace("description: 'x',", ''), tool('1st')),
      'f-built-in.js': file(tool('read_file')),
      'g-first.js': file(tool('same')),
      'h-second.js': file(tool('same')),
      'i-schema.js': file(tool('bad').replace("{ type: 'object' }", "{ type: 'string' }")),
    });
    const error = await openTools(settingsOf(folder.path, ['smae']), PARTS).catch(
      (thrown: unknown) => thrown,
    );
    if (!(error instanceof SettingsError)) throw new Error('expected a SettingsError');
    const told = error.problems.map(({ path, source, message }) => {
      const name = source?.split('/').at(-1) ?? path;
      return `${name}: ${message.split('\n')[0]}`;
    });
    expect(told).toEqual([
      expect.stringMatching(/^a-syntax\.mjs: cannot be loaded: /),
      'b-throws.js: cannot be loaded: Error: no database',
      expect.stringMatching(/^c-nothing\.js: has no tool: expected `export default/),
      expect.stringMatching(/^d-plain\.js: is not what defineTool returns/),
      expect.stringMatching(/^e-fields\.js: \[0\] description: is missing/),
      expect.stringMatching(/^e-fields\.js: \[1\] name: expected a letter/),
      'f-built-in.js: name: "read_file" is taken by a built-in tool',
      `h-second.js: name: "same" is taken by ${join(folder.path, 'g-first.js')}`,
      'i-schema.js: input: expected the schema of an object',
      expect.stringMatching(/^agents\.a\.tools\[0\]: is "smae".*did you mean "same"/),
    ]);
  });

  it('that does not exist is a problem, and an empty one is none', async () => {
    await using folder = await temporaryFolder();
    const missing = join(folder.path, 'nowhere');
    await expect(openTools(settingsOf(missing), PARTS)).rejects.toThrow(`toolsFolder (${missing})`);
    await mkdir(missing);
    expect((await inspectTools(settingsOf(missing), PARTS)).problems).toEqual([]);
  });

  it('is looked at by the doctor, with the variables that its tools lack', async () => {
    await using folder = await folderOf({ 'a.js': file(tool('a', "secrets: ['A_TOKEN']")) });
    expect(await inspectTools(settingsOf(folder.path), PARTS)).toEqual({
      names: ['a'],
      problems: [],
      unset: [{ tool: 'a', variable: 'A_TOKEN' }],
    });
  });

  it('is looked at without the MCP servers, whose names are enough', async () => {
    const settings = settingsOf(null, ['files__read', 'files__*', 'mail__send']);
    const mcpServers = settingsSchema.parse({ mcpServers: { files: { command: 'x' } } }).mcpServers;
    const { problems } = await inspectTools({ ...settings, mcpServers }, PARTS);
    expect(problems.map(({ path }) => path)).toEqual(['agents.a.tools[2]']);
  });

  it('of the examples is sound', async () => {
    const report = await inspectTools(settingsOf(join(process.cwd(), 'examples/tools')), PARTS);
    expect(report).toMatchObject({ names: ['find_tickets', 'create_ticket'], problems: [] });
  });
});
