// Programs with a tool that is defined wrongly, as a person starts them.
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { describe, expect, it, vi } from 'vitest';
import { freePort } from '../../servers/child.ts';
import { postgresDatabase } from '../support/database.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

vi.setConfig({ testTimeout: 240_000 });
const MAIN = fileURLToPath(new URL('../../cli/main.ts', import.meta.url));

async function folderWithDice(effect: string) {
  const folder = await temporaryFolder();
  const settings = {
    toolsFolder: 'tools',
    agents: { assistant: { tools: ['dice', 'list_files'] } },
    models: { demo: { provider: 'demo', model: 'demo' } },
    providers: { demo: { kind: 'demo' } },
  };
  await writeFile(join(folder.path, 'perdure.yaml'), JSON.stringify(settings));
  await mkdir(join(folder.path, 'tools'));
  const dice = `import { defineTool, z } from 'perdure/tools';
export default defineTool({
  name: 'dice',
  description: 'Throws a die.',
  input: z.object({ sides: z.number() }),
  effect: '${effect}',
  execute: () => 4,
});
`;
  await writeFile(join(folder.path, 'tools/dice.ts'), dice);
  return folder;
}

async function run(args: readonly string[], cwd: string, env: Record<string, string> = {}) {
  const kept = Object.entries(process.env).filter(([name]) => !/^(PERDURE|TEMPORAL)_/.test(name));
  const ports = {
    PERDURE_API_PORT: `${await freePort()}`,
    PERDURE_TEMPORAL_PORT: `${await freePort()}`,
    PERDURE_TEMPORAL_UI_PORT: `${await freePort()}`,
  };
  const options = { cwd, env: { ...Object.fromEntries(kept), ...ports, ...env } };
  return execa(process.execPath, [MAIN, ...args], { ...options, extendEnv: false, reject: false });
}

/** The one problem: an agent that names the tool has made none. */
const refusal = (file: string): string =>
  `toolsFolder (${file}): effect: Invalid option: expected one of "read"|"keyed"|"never-retry"`;

describe('a tool that is defined wrongly', () => {
  it('ends `perdure up` at its start, with the file and the reason', async () => {
    await using folder = await folderWithDice('sometimes');
    const { exitCode, stderr } = await run(['up'], folder.path);
    expect(stderr).toContain(refusal(join(folder.path, 'tools/dice.ts')));
    expect(stderr).not.toContain('there is no such tool');
    expect(exitCode).toBe(3);
  });

  it('ends `perdure worker` at its start, with the file and the reason', async () => {
    await using database = await postgresDatabase();
    await using folder = await folderWithDice('sometimes');
    const env = { PERDURE_DATABASE_URL: database.url };
    expect((await run(['migrate', '--journal-only'], folder.path, env)).exitCode).toBe(0);
    const { exitCode, stderr } = await run(['worker'], folder.path, env);
    expect(stderr).toContain(refusal(join(folder.path, 'tools/dice.ts')));
    expect(exitCode).toBe(3);
  });

  it('is found by `perdure doctor`, which starts nothing', async () => {
    await using folder = await folderWithDice('sometimes');
    const more = 'enum Sides { Six }\nexport default Sides.Six;\n';
    await writeFile(join(folder.path, 'tools/enum.ts'), more);
    const { exitCode, stdout } = await run(['doctor'], folder.path);
    expect(stdout).toContain('effect: Invalid option: expected one of');
    expect(stdout).toContain(join(folder.path, 'tools/dice.ts'));
    expect(stdout).toContain(
      'cannot be loaded: SyntaxError: TypeScript enum is not supported in strip-only mode',
    );
    expect(exitCode).toBe(1);
  });
});
