// kill -9 of `perdure runner` inside an edit: its successor asks the file whether the edit has happened.
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test, vi } from 'vitest';
import { eventually } from '../api/support/fixture.ts';
import { machineIn, startPerdureRunner } from './support/perdure-runner.ts';
import { openRunnerStage } from './support/stage.ts';

vi.setConfig({ testTimeout: 120_000 });

const STOP = fileURLToPath(new URL('./support/stop-at-rename.mjs', import.meta.url));

test.each([
  {
    ...{ where: 'before', again: 'runs again', left: 'alpha\n' },
    result: expect.stringContaining('+beta') as unknown,
  },
  {
    ...{ where: 'after', again: 'is not run again', left: 'beta\n' },
    result: 'The edit had been made before its worker went away.',
  },
])(
  'a runner that is killed right $where an edit takes the place of the file is asked what happened: the edit $again, and is made once',
  async ({ where, left, result }) => {
    await using stage = await openRunnerStage();
    const { folder, url } = stage.product;
    const { name, workdir, args } = await machineIn(folder, url);
    const file = join(workdir, 'notes.txt');
    await writeFile(file, 'alpha\n');
    const allowed = [...args, '--allow', 'edit_file'];
    const told = join(folder, 'stopped');
    const env = { NODE_OPTIONS: `--import ${STOP}`, STOP_AT_RENAME: where, STOPPED_FILE: told };
    await using first = await startPerdureRunner(allowed, env);
    const input = { path: 'notes.txt', edits: [{ old: 'alpha', new: 'beta' }] };
    const sessionId = await stage.ask({ name }, `edit_file${JSON.stringify(input)}`);
    await eventually(
      async () => existsSync(told),
      (stopped) => stopped,
    );
    first.child.kill('SIGKILL');
    await once(first.child, 'exit');
    expect(await readFile(file, 'utf8')).toBe(left);
    await using second = await startPerdureRunner(allowed);
    expect(await stage.settled(sessionId)).toMatchObject([{ outcome: 'completed', result }]);
    expect(second.out().includes('"started"')).toBe(where === 'before');
    expect(await readFile(file, 'utf8')).toBe('beta\n');
    expect(await readdir(workdir)).toEqual(['notes.txt']);
  },
);
