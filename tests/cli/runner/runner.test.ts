// `perdure runner` as a person starts it: in a terminal, and without one.
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { once } from 'node:events';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import type { SessionId } from '../../../contracts/ids.ts';
import { eventually } from '../../api/support/fixture.ts';
import { machineIn, startPerdureRunner } from '../../runner/support/perdure-runner.ts';
import { openRunnerStage, type RunnerStage } from '../../runner/support/stage.ts';
import { jsonLines, perdure } from '../command.ts';
import { openTerminal } from '../terminal.ts';

vi.setConfig({ testTimeout: 120_000 });

let stage: RunnerStage;
beforeAll(async () => {
  stage = await openRunnerStage();
});
afterAll(() => stage[Symbol.asyncDispose]());

async function machine() {
  const made = await machineIn(stage.product.folder, stage.product.url);
  const file = join(made.workdir, 'notes.txt');
  await writeFile(file, 'alpha\n');
  return { ...made, file };
}

const edit = (from: string, to: string) =>
  `edit_file${JSON.stringify({ path: 'notes.txt', edits: [{ old: from, new: to }] })}`;

const outcomes = async (sessionId: SessionId) =>
  (await stage.settled(sessionId)).map(({ outcome }) => outcome);

test('without a terminal what reads runs, what does more is refused with the reason, unless it is allowed', async () => {
  const { name, args, file } = await machine();
  {
    await using runner = await startPerdureRunner(args);
    const read = await stage.ask({ name }, 'read_file{"path":"notes.txt"}');
    expect(await stage.settled(read)).toMatchObject([{ outcome: 'completed', result: 'alpha\n' }]);
    const refused = await stage.settled(await stage.ask({ name }, edit('alpha', 'beta')));
    expect(refused).toMatchObject([
      {
        outcome: 'rejected',
        error: { code: 'tool_denied', message: expect.stringContaining('--allow edit_file') },
      },
    ]);
    runner.child.kill('SIGTERM');
    const [exitCode] = (await once(runner.child, 'exit')) as [number];
    expect(exitCode).toBe(0);
    const lines = jsonLines(runner.out());
    for (const { at } of lines) expect(at).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
    const said = lines.map(({ type }) => type);
    expect(said.slice(0, 4)).toEqual(['registered', 'started', 'finished', 'delivered']);
    expect(said.at(-1)).toBe('stopping');
  }
  await using _ = await startPerdureRunner([...args, '--allow', 'edit_*']);
  expect(await outcomes(await stage.ask({ name }, edit('alpha', 'beta')))).toEqual(['completed']);
  expect(await readFile(file, 'utf8')).toBe('beta\n');
});

test('in a terminal the person sees the change and says yes, why not, or always', async () => {
  const { name, args, file } = await machine();
  await using terminal = openTerminal(args, {});
  await terminal.sees(`runner ${name}`);
  const first = await stage.ask({ name }, edit('alpha', 'beta'));
  await terminal.sees('wants to run edit_file');
  await terminal.sees('+beta');
  await terminal.sees('Run it?');
  terminal.enter('leave my notes alone');
  expect(await stage.settled(first)).toMatchObject([
    { outcome: 'rejected', error: { message: expect.stringContaining('leave my notes alone') } },
  ]);
  const second = await stage.ask({ name }, edit('alpha', 'beta'));
  await terminal.sees('Run it?');
  terminal.enter('a');
  expect(await outcomes(second)).toEqual(['completed']);
  expect(await outcomes(await stage.ask({ name }, edit('beta', 'gamma')))).toEqual(['completed']);
  expect(await readFile(file, 'utf8')).toBe('gamma\n');
  const stopped = await stage.ask({ name }, 'run_command{"command":"true"}');
  await terminal.sees('wants to run run_command');
  await stage.product.send('POST', `/api/sessions/${stopped}/stop`);
  await terminal.sees('It is not needed any more');
  terminal.press('ctrl-c');
  expect(await terminal.exited).toBe(0);
});

test('a folder that is not there, a name that is none, a state folder in use and a wrong key are told, each with its exit code', async () => {
  const { args } = await machine();
  const ran = async (...more: string[]) => {
    const { exitCode, err } = await perdure([...args, ...more], { env: {} });
    return { exitCode, err };
  };
  expect(await ran('--workdir', '/nowhere')).toMatchObject({
    exitCode: 2,
    err: expect.stringContaining('/nowhere cannot be used'),
  });
  expect(await ran('--name', 'no spaces')).toMatchObject({
    exitCode: 2,
    err: expect.stringContaining('name'),
  });
  expect(await ran('--label', 'nonsense')).toMatchObject({
    exitCode: 2,
    err: expect.stringContaining('key=value'),
  });
  expect(await ran('--key', 'pdk_wrong')).toMatchObject({
    exitCode: 1,
    err: expect.stringContaining('unauthenticated'),
  });
  await using _ = await startPerdureRunner(args);
  expect(await ran()).toMatchObject({
    exitCode: 2,
    err: expect.stringContaining('another runner uses it'),
  });
});
test('a second runner of the same name elsewhere ends the first, which says why', async () => {
  const { args } = await machine();
  await using first = await startPerdureRunner(args);
  const other = await machine();
  await using _ = await startPerdureRunner([...args.slice(0, -1), other.args.at(-1)!]);
  const read = await stage.ask({ name: args[4]! }, 'read_file{"path":"notes.txt"}');
  await eventually(
    async () => first.child.exitCode,
    (exitCode) => exitCode !== null,
  );
  expect(first.child.exitCode).toBe(1);
  expect(first.err()).toMatch(/Another process has registered.*\n.*\(runner_replaced\)/);
  expect(await outcomes(read)).toEqual(['completed']);
});
