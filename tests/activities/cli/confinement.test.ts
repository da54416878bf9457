/** What a program may reach, and that it dies with its worker (D4, D7). */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { mkdir, readFile, realpath, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test, vi } from 'vitest';
import { ProgramHost } from '../../../activities/cli/host.ts';
import type { CliProviderInput } from '../../../contracts/cli-providers.ts';
import { createLog } from '../../../telemetry/log.ts';
import { BASH, presetInput, PROGRAM_FOLDERS } from '../../support/programs/described.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { ask, hostOf } from './started.ts';

const CONFINED: CliProviderInput = { ...BASH, sandbox: 'bubblewrap' };

test('a program in a sandbox has its own directory, and neither the data folder nor keys nor a network', async () => {
  await using stage = await hostOf(CONFINED);
  await writeFile(join(stage.home, 'secret.txt'), 'journal');
  const program = await stage.start();
  const { text } = await ask(
    program,
    [
      'echo kept > ~/note; cat ~/note; test "$PWD" = "$HOME" && echo at home',
      `cat ${stage.home}/secret.txt 2>/dev/null || echo no data folder`,
      'touch /usr/x 2>/dev/null || echo read-only',
      'echo "key=$ANTHROPIC_API_KEY"',
      '(exec 3<>/dev/tcp/127.0.0.1/22) 2>/dev/null || echo no network',
      'ls /proc | grep -c "^[0-9]"',
    ].join('\n'),
  );
  expect(text.split('\n').slice(0, 6)).toEqual([
    ...['kept', 'at home', 'no data folder', 'read-only', 'key=', 'no network'],
  ]);
  await program.terminate();
});

test('an interrupt reaches a program in a sandbox, which goes on afterwards', async () => {
  await using stage = await hostOf(CONFINED);
  const program = await stage.start();
  const person = new AbortController();
  const onText = (): void => person.abort(new Error('a person'));
  const asking = ask(program, 'x=7; (echo go; exec sleep 100)', { signal: person.signal, onText });
  await expect(asking).rejects.toThrow('a person');
  expect((await ask(program, 'echo $x')).text).toBe('7\n');
});

test.for([
  ['read', 'seen\nrefused\nhidden\n'],
  ['write', 'seen\nwritten\nhidden\n'],
] as const)(
  'a workspace to %s is what it works in, without the data folder in it',
  async ([may, expected]) => {
    await using stage = await hostOf({ ...CONFINED, workspace: may });
    // As where Perdure is started in the folder that the agents see.
    const workspace = await realpath(join(stage.home, '..'));
    await mkdir(stage.home, { recursive: true });
    const mine = join(stage.home, 'journal.db');
    await writeFile(mine, 'journal');
    const program = await stage.start({ workspace });
    const { text } = await ask(
      program,
      [
        `test "$PWD" = ${workspace} && echo seen`,
        `(touch ${workspace}/perdure-test-written && rm ${workspace}/perdure-test-written && echo written) 2>/dev/null || echo refused`,
        `cat ${mine} 2>/dev/null || echo hidden`,
        'touch ~/own || echo no home',
      ].join('\n'),
    );
    expect(text).toBe(expected);
  },
);

test('a preset works in the sandbox that it asks for', async () => {
  await using stage = await hostOf({
    ...presetInput('claude'),
    ...{ sandbox: 'bubblewrap', readOnly: PROGRAM_FOLDERS, env: ['ANTHROPIC_API_KEY'] },
  });
  const program = await stage.start();
  expect((await ask(program, 'hello')).text).toMatch(/^You said hello/);
  expect((await ask(program, 'key')).text).toBe('sk-ant-1234567890');
});

/** Numbers of the processes with this in their command line. */
const running = (words: string): number[] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').startsWith(words);
      } catch {
        return false;
      }
    })
    .map(Number);

test.for([
  ['none', BASH],
  ['bubblewrap', CONFINED],
] as const)(
  'kill -9 of the worker takes the program with it (sandbox: %s), and the next worker its directory',
  async ([sandbox, description]) => {
    await using folder = await temporaryFolder();
    using ending = new DisposableStack();
    const nap = `sleep 98${process.pid}${sandbox.length}`;
    const worker = spawn(
      process.execPath,
      [
        fileURLToPath(new URL('lone-host.ts', import.meta.url)),
        ...[folder.path, JSON.stringify(description), `touch ~/left; ${nap} & echo up; wait`],
      ],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    ending.defer(() => worker.kill('SIGKILL'));
    const [output] = (await once(worker.stdout, 'data')) as [Buffer];
    // A line break may be the beginning of the marker: it is held back.
    expect(output.toString()).toBe('up');
    await vi.waitFor(() => expect(running(nap)).toHaveLength(1));
    const [owner] = readdirSync(join(folder.path, 'cli'));
    const owned = JSON.parse(
      await readFile(join(folder.path, 'cli', `${owner}`, 'owner.json'), 'utf8'),
    );
    expect(owned.pid).toBe(worker.pid);

    worker.kill('SIGKILL');
    // Its directory is a dead worker's once nothing has its number any more.
    await once(worker, 'exit');
    await vi.waitFor(() => expect(running(nap)).toEqual([]), { timeout: 10_000 });
    await using next = await ProgramHost.open({
      ...{ providers: {}, home: folder.path, secrets: () => undefined, most: 1 },
      log: createLog({ level: 'silent', service: 'test' }),
    });
    expect(next.size).toBe(0);
    expect(readdirSync(join(folder.path, 'cli'))).not.toContain(owner);
  },
);

test('the directory of a worker that lives stays', async () => {
  await using stage = await hostOf(BASH);
  await stage.start();
  await using _ = await ProgramHost.open({
    ...{ providers: {}, home: stage.home, secrets: () => undefined, most: 1 },
    log: createLog({ level: 'silent', service: 'test' }),
  });
  expect(await stage.directories()).toHaveLength(1);
});
