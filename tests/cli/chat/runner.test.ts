/** A chat whose tools run on a machine that the person names. */
import { writeFile } from 'node:fs/promises';
import { once } from 'node:events';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { newId } from '../../../contracts/ids.ts';
import { uniqueName } from '../../api/support/fixture.ts';
import { machineIn, startPerdureRunner } from '../../runner/support/perdure-runner.ts';
import { openRunnerStage, type RunnerStage } from '../../runner/support/stage.ts';
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

test('says that a runner is away, and its calls wait', async () => {
  const { name, runner } = await machine();
  runner.child.kill('SIGTERM');
  await once(runner.child, 'exit');
  const now = Date.now;
  // The API counts it as there for a while.
  const later = vi.spyOn(Date, 'now').mockImplementation(() => now() + 60_000);
  try {
    expect((await chat(['--runner', name])).err).toContain('is away; calls wait until it is back');
  } finally {
    later.mockRestore();
  }
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
