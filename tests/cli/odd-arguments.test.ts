/** Arguments, keys and outputs as they come from scripts that went wrong: each is told in a line, with the right exit code. */
import { resolve } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { startFixture, type Fixture } from '../api/support/fixture.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { perdure } from './command.ts';

vi.setConfig({ testTimeout: 240_000 });

const MAIN = resolve('cli/main.ts');
const HUGE = 'x'.repeat(120_000);
const UNHEARD = { PERDURE_URL: 'http://127.0.0.1:1' };

let product: Fixture;
beforeAll(async () => {
  product = await startFixture({ worker: false });
});
afterAll(() => product[Symbol.asyncDispose]());

test.each([
  { args: ['keys', 'create', '--user', ''], said: "'' is invalid. Expected 1 to 100 characters." },
  { args: ['keys', 'create', '--user', 'a', '--tenant', ''], said: 'Expected 1 to 100' },
  {
    args: ['keys', 'create', '--user', 'a', '--label', 'x'.repeat(201)],
    said: 'Expected 0 to 200',
  },
  { args: ['runner', '--name', '', '--workdir', '.'], said: 'A name: expected a letter or digit' },
  { args: ['runner', '--name', '../up', '--workdir', '.'], said: 'A name: expected a letter' },
  { args: ['runner', '--name', 'a', '--workdir', MAIN], said: 'is a file: expected a folder.' },
  { args: ['runner', '--name', 'a', '--workdir', '/nowhere'], said: '/nowhere cannot be used' },
  { args: ['runner', '--name', 'a', '--workdir', '.', '--label', 'a b=c'], said: 'key=value' },
  { args: ['sessions', 'list', '--key', ''], said: '--key is no key: expected what' },
  { args: ['sessions', 'list', '--key', 'a\nb'], said: '--key is no key: expected what' },
  { args: ['sessions', 'list', '--limit', '0'], said: 'Expected a whole number, at least 1.' },
  { args: ['sessions', 'show', ''], said: '"" is not a valid id' },
])('perdure $args is wrong usage, whether an API answers or not', async ({ args, said }) => {
  await using folder = await temporaryFolder();
  const env = { ...UNHEARD, PERDURE_HOME: folder.path, XDG_STATE_HOME: folder.path };
  const { exitCode, out, err } = await perdure(args, { env });
  expect([exitCode, out]).toEqual([2, '']);
  expect(err).toContain(said);
});

test('a key that is none is not sent, nor shown; where it comes from the environment it is a wrong setting', async () => {
  await using folder = await temporaryFolder();
  const env = { ...UNHEARD, PERDURE_KEY: 'pdk_ключ', XDG_STATE_HOME: folder.path };
  for (const args of [
    ['sessions', 'list'],
    ['runner', '--name', 'a', '--workdir', '.'],
  ]) {
    const { exitCode, err } = await perdure(args, { env });
    expect([exitCode, err]).toEqual([
      3,
      'PERDURE_KEY is no key: expected what `perdure keys create` printed.',
    ]);
  }
});

test('what is too long for a request, or for a line, is said and not repeated', async () => {
  const env = { PERDURE_URL: product.url };
  const context = await perdure(['sessions', 'list', '--context', HUGE], { env });
  expect(context).toMatchObject({ exitCode: 2, err: expect.stringContaining('The head of the') });
  const runner = await perdure(['runners', 'show', HUGE], { env });
  expect(runner.exitCode).toBe(5);
  const server = await perdure(['mcp', 'approve', HUGE], { env });
  expect(server.exitCode).toBe(5);
  for (const { err } of [context, runner, server]) expect(err.length).toBeLessThan(400);
});

test('help and lists end well where nobody reads them, and say so where the disk is full', async () => {
  const env = { PERDURE_URL: product.url };
  const shell = (line: string) =>
    execa('bash', ['-c', `set -o pipefail; ${process.execPath} ${MAIN} ${line}`], {
      ...{ env, reject: false },
    });
  for (const line of ['--help', '--version', 'chat --help', 'audit --json'])
    expect(await shell(`${line} | true`)).toMatchObject({ exitCode: 0, stderr: '' });
  for (const line of ['--help', 'mcp list']) {
    const { exitCode, stderr } = await shell(`${line} > /dev/full`);
    expect([exitCode, stderr]).toEqual([
      1,
      'The output cannot be written: ENOSPC: no space left on device, write.',
    ]);
  }
});
