/** A chat whose tools run on a machine that the person names. */
import { writeFile } from 'node:fs/promises';
import { once } from 'node:events';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { newId } from '../../../contracts/ids.ts';
import { uniqueName } from '../../api/support/fixture.ts';
import { machineIn, startPerdureRunner } from '../../runner/support/perdure-runner.ts';
import type { PerdureRunner } from '../../runner/support/perdure-runner.ts';
import { openRunnerStage, type RunnerStage } from '../../runner/support/stage.ts';
import { MAIN } from '../../support/processes.ts';
import { jsonLines, perdure } from '../command.ts';
import { openTerminal } from '../terminal.ts';

vi.setConfig({ testTimeout: 240_000 });

let stage: RunnerStage;
beforeAll(async () => {
  stage = await openRunnerStage();
});
afterAll(() => stage[Symbol.asyncDispose]());

const READ = 'call=read_file{"path":"notes.txt"}';

async function machine(...more: string[]) {
  const made = await machineIn(stage.product.folder, stage.product.url);
  await writeFile(join(made.workdir, 'notes.txt'), `written on ${made.name}\n`);
  return { ...made, runner: await startPerdureRunner([...made.args, ...more]) };
}

const chat = (args: readonly string[], input = '') =>
  perdure(['chat', ...args], { env: { PERDURE_URL: stage.product.url }, input });

test('begins a session on the runner of this name, through a pipe and in a terminal', async () => {
  const { name, workdir, runner } = await machine();
  await using _ = runner;
  const { out, err, exitCode } = await chat(['--runner', name], `${READ}\n`);
  expect(err).toContain(`runner: ${name} (${workdir})\n`);
  expect(out).toContain(`✓ read_file: written on ${name}`);
  expect(exitCode).toBe(0);
  await using terminal = openTerminal(['chat', '--runner', name], {
    PERDURE_URL: stage.product.url,
  });
  await terminal.sees(`runner: ${name}`);
  await terminal.sees('› ');
  terminal.enter(READ);
  await terminal.sees(`✓ read_file: written on ${name}`);
  await terminal.sees('› ');
  // Another session begins there, too.
  terminal.enter('/new');
  await terminal.sees('› ');
  terminal.enter(READ);
  await terminal.sees(`✓ read_file: written on ${name}`);
});

test('begins a session on any runner that has all of these labels', async () => {
  const [zone, other] = [uniqueName('zone'), uniqueName('zone')];
  const here = await machine('--label', `zone=${zone}`, '--label', 'os=linux');
  await using _ = here.runner;
  const elsewhere = await machine('--label', `zone=${other}`, '--label', 'os=linux');
  await using __ = elsewhere.runner;
  const labels = ['--runner', 'os=linux', '--runner', `zone=${other}`];
  const { out, err } = await chat(labels, `${READ}\n`);
  expect(err).toContain(`runner: ${elsewhere.name} (`);
  expect(out).toContain(`✓ read_file: written on ${elsewhere.name}`);
});

test('shows what an edit on that machine would do before it is approved, and so does the command', async () => {
  const { name, runner } = await machine('--allow', 'edit_file');
  await using _ = runner;
  const env = { PERDURE_URL: stage.product.url };
  await using terminal = openTerminal(['chat', '--agent', 'editor', '--runner', name], env);
  await terminal.sees('› ');
  const edits = [{ old: 'written', new: 'rewritten' }];
  terminal.enter(`call=edit_file${JSON.stringify({ path: 'notes.txt', edits })}`);
  await terminal.sees('? edit_file waits for your approval');
  const diff = [
    '--- a/notes.txt',
    '+++ b/notes.txt',
    '@@ where this text stands @@',
    '-written',
    '+rewritten',
  ].join('\n');
  await terminal.sees(diff);
  const [open] = jsonLines((await perdure(['approvals', 'list', '--json'], { env })).out);
  const shown = await perdure(['approvals', 'show', String(open!['approvalId'])], { env });
  expect(shown.out).toContain(diff);
  await terminal.sees('› ');
  terminal.enter('y');
  // The runner saw the file: its answer has the lines as they are.
  await terminal.sees(/✓ edit_file: .*\+rewritten on/);
});

/** The API counts a runner as there for a while after its last sign of life. */
function longAfter(): Disposable {
  const now = Date.now;
  const later = vi.spyOn(Date, 'now').mockImplementation(() => now() + 60_000);
  return { [Symbol.dispose]: () => later.mockRestore() };
}

async function gone({ child }: PerdureRunner): Promise<void> {
  child.kill('SIGTERM');
  await once(child, 'exit');
}

test('says that a runner is away, and its calls wait', async () => {
  const { name, runner } = await machine();
  await gone(runner);
  using _ = longAfter();
  expect((await chat(['--runner', name])).err).toContain('is away; calls wait until it is back');
});

test('says once for which runner a call waits and how to start it, and that it has taken the call', async () => {
  const { name, workdir, args, runner } = await machine();
  await gone(runner);
  using _ = longAfter();
  const env = { PERDURE_URL: stage.product.url };
  await using terminal = openTerminal(['chat', '--runner', name], env);
  await terminal.sees('› ');
  terminal.enter(READ);
  const start = `npx perdure runner --name ${name} --workdir ${workdir}`;
  const waiting = `(waiting for the runner ${name}, which is away. Start it on its machine with: ${start})`;
  await terminal.sees(`⚙ read_file {"path":"notes.txt"}\n${waiting}\n`);
  const session = /ses_\w+/.exec(terminal.text)![0];
  // Whoever comes later is told, too.
  await using late = openTerminal(['chat', '--session', session], env);
  await late.sees(waiting);
  await using again = await startPerdureRunner(args);
  await terminal.sees(`(${name} has taken the call and runs read_file)\n`);
  await terminal.sees(`✓ read_file: written on ${name}`);
  await terminal.sees('› ');
  expect(again.err()).toBe('');
  expect(terminal.text.split(waiting)).toHaveLength(2);
});

test('through a pipe says on stderr for whom a call waits; events stay what stdout has', async () => {
  const { name, args, runner } = await machine();
  await gone(runner);
  using _ = longAfter();
  const env = { ...process.env, PERDURE_URL: stage.product.url };
  const child = execa(process.execPath, [MAIN, 'chat', '--runner', name, '--json'], {
    env,
    input: `${READ}\n`,
  });
  let err = '';
  child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()));
  await vi.waitFor(() => expect(err).toContain(`(waiting for the runner ${name}, `), 60_000);
  await using __ = await startPerdureRunner(args);
  const { stdout, stderr } = await child;
  expect(stderr).toContain(`(${name} has taken the call and runs read_file)`);
  const events = jsonLines(stdout);
  expect(events.map(({ type }) => type)).toContain('tool.started');
  expect(events.at(-1)).toMatchObject({ type: 'turn.settled', data: { outcome: 'completed' } });
});

test('says whose the runner is where it serves somebody else', async () => {
  const name = uniqueName('anns');
  const key = await stage.product.key('local', 'ann', 'runner');
  const body = { name, instance: newId('run'), workdir: '/home/ann', tools: [], version: '1' };
  expect((await stage.product.send('POST', '/api/runners', { key, body })).status).toBe(200);
  const { err, exitCode } = await chat(['--runner', name], `${READ}\n`);
  expect(err).toContain(`The runner ${name} serves user ann, and you are somebody else here`);
  expect(exitCode).toBe(5);
});

test('says what to do where there is no such runner, and before anything is sent', async () => {
  const { name, runner } = await machine();
  await using _ = runner;
  const asked = stage.product.models.requests.length;
  const none = await chat(['--runner', 'nobody'], `${READ}\n`);
  expect(none.exitCode).toBe(5);
  expect(none.err).toContain('No runner of yours is "nobody": there is ');
  expect(none.err).toContain(name);
  expect(none.err).toContain('npx perdure runner --name nobody --workdir FOLDER');
  const unlabelled = await chat(['--runner', 'zone=nowhere'], `${READ}\n`);
  expect(unlabelled.exitCode).toBe(5);
  expect(unlabelled.err).toContain('npx perdure runner --name NAME --workdir FOLDER');
  const both = await chat(['--runner', name, '--runner', 'os=linux'], `${READ}\n`);
  expect(both.exitCode).toBe(2);
  const begun = await chat([], '#hello tokens=2\n');
  const [session = ''] = /ses_\w+/.exec(begun.err) ?? [];
  const late = await chat(['--session', session, '--runner', name], `${READ}\n`);
  expect(late.exitCode).toBe(2);
  expect(late.err).toContain('A session keeps the runner that it began with');
  expect(stage.product.models.requests.length).toBe(asked + 1);
});
