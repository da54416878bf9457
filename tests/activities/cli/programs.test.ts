/** Programs in real processes: what they may do, how they end, and that nothing is left of them (D4, D6). */
import { readdirSync, readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test, vi } from 'vitest';
import type { CliProviderInput } from '../../../contracts/cli-providers.ts';
import { newId } from '../../../contracts/ids.ts';
import { BASH, counting, PROMPTING } from '../../support/programs/described.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { ask, hostOf } from './started.ts';

/** Whether a process with this number is there, and is no zombie. */
function lives(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

const untilGone = (pid: number): Promise<unknown> =>
  vi.waitFor(() => expect(lives(pid)).toBe(false), { timeout: 10_000, interval: 20 });

test('bash keeps its state from one message to the next, and its errors are asides', async () => {
  await using stage = await hostOf(BASH);
  const program = await stage.start();
  expect((await ask(program, 'x=41; echo set; nope 2>&1')).text).toContain('set\n');
  const second = await ask(program, 'echo $((x + 1)); echo oops >&2');
  expect(second).toMatchObject({ text: '42\n', aside: 'oops\n' });
});

test('a marker that the message itself prints is not the end, and text before the end streams at once', async () => {
  await using stage = await hostOf(BASH);
  const program = await stage.start();
  const seen: string[] = [];
  const onText = (text: string) => void seen.push(text);
  const { text } = await ask(program, "echo '{marker}'; echo; sleep 0.2; printf end", { onText });
  expect(text).toBe('{marker}\n\nend');
  expect(seen.some((part) => part.includes('{marker}') && !part.includes('end'))).toBe(true);
});

test('a program that shows a prompt is ready with it, and answers until it shows it again', async () => {
  await using stage = await hostOf(PROMPTING);
  const program = await stage.start();
  expect((await ask(program, 'hello')).text).toBe('HELLO\nready? no\n');
  expect((await ask(program, 'again')).text).toBe('AGAIN\nready? no\n');
});

test('silence ends the answer of a program that says nothing about its end', async () => {
  await using stage = await hostOf({
    ...BASH,
    input: { template: '{message}\n', end: false },
    done: { by: 'silence', ms: 300 },
  });
  const program = await stage.start();
  expect((await ask(program, 'echo one; sleep 0.1; echo two')).text).toBe('one\ntwo\n');
});

test('a message goes as an argument where the description says so, and is never read by a shell', async () => {
  await using stage = await hostOf({
    ...{ command: 'printf', args: ['%s|', '{message}', '{json}'], process: 'command' },
    ...{ done: { by: 'exit' }, sandbox: 'none' },
  });
  const program = await stage.start();
  const said = '--help; $(touch /tmp/x) {json} `id`';
  expect((await ask(program, said)).text).toBe(`${said}|${JSON.stringify(said)}|`);
});

test('an environment has what is named and nothing else', async () => {
  await using stage = await hostOf({ ...BASH, env: ['ANTHROPIC_API_KEY'] });
  const program = await stage.start();
  // Node itself hands the variable of a measured run on to whatever it starts.
  const names = 'env -0 | tr "\\0" "\\n" | cut -d= -f1 | grep -v NODE_V8_COVERAGE | sort';
  const { text } = await ask(program, names);
  expect(text.trim().split('\n')).toEqual(
    [
      'ANTHROPIC_API_KEY',
      'HOME',
      'LANG',
      'NO_COLOR',
      'PATH',
      'PWD',
      'SHLVL',
      'TERM',
      '_',
    ].toSorted(),
  );
});

test('an interrupt reaches what the program waits for, and the program takes the next message', async () => {
  await using stage = await hostOf(BASH);
  const program = await stage.start();
  const person = new AbortController();
  const onText = (): void => person.abort(new Error('a person'));
  const asking = ask(program, 'x=7; (echo go; exec sleep 100); echo late', {
    signal: person.signal,
    onText,
  });
  await expect(asking).rejects.toThrow('a person');
  expect((await ask(program, 'echo $x')).text).toBe('7\n');
});

test('a program that ignores an interrupt is killed after a moment, and the next message starts it again', async () => {
  await using stage = await hostOf(counting());
  const program = await stage.start();
  const person = new AbortController();
  const onText = (): void => person.abort(new Error('a person'));
  await expect(ask(program, 'hold', { signal: person.signal, onText })).rejects.toThrow('a person');
  expect((await ask(program, 'next')).text).toBe('got next');
});

test('kill -9 of a program in mid-answer is a loss that says so', async () => {
  await using stage = await hostOf(BASH);
  const program = await stage.start();
  await expect(ask(program, 'echo begun; kill -9 $$')).rejects.toMatchObject({
    code: 'runner_lost',
    message: expect.stringContaining('exit code 137'),
  });
});

test('a program that died while it waited is a loss at the next message, which was not sent', async () => {
  await using stage = await hostOf(BASH);
  const program = await stage.start();
  const { text } = await ask(program, 'echo $$');
  process.kill(Number(text), 'SIGKILL');
  await untilGone(Number(text));
  await expect(ask(program, 'echo hello')).rejects.toMatchObject({ code: 'runner_lost' });
});

test('a program that takes too long is ended with everything that it started', async () => {
  await using stage = await hostOf(BASH);
  const program = await stage.start();
  const pids: number[] = [];
  const onText = (text: string): void => {
    if (text.endsWith('\n')) pids.push(...text.trim().split(' ').map(Number));
  };
  const asking = ask(program, 'sleep 1000 & echo $$ $!; wait', { timeoutMs: 1_000, onText });
  await expect(asking).rejects.toMatchObject({ code: 'tool_timeout' });
  await program.terminate();
  for (const pid of pids) await untilGone(pid);
});

test('a flood is held back while nobody takes it, and cut where it is too much', async () => {
  await using stage = await hostOf({ ...BASH, answerBytes: 300_000 });
  const program = await stage.start();
  let most = 0;
  const onText = (text: string): Promise<void> => {
    most = Math.max(most, text.length);
    return sleep(20);
  };
  await expect(ask(program, 'yes', { onText })).rejects.toMatchObject({ code: 'limit_exceeded' });
  expect(most).toBeLessThan(1_000_000);
});

test('a line without an end is no answer in JSON lines', async () => {
  await using stage = await hostOf({
    ...BASH,
    done: { by: 'line', when: { end: true } },
    output: {
      ...{ format: 'json-lines', text: [], whole: [], reasoning: [], error: [], conversation: [] },
    },
  });
  const program = await stage.start();
  await expect(ask(program, 'tr "\\0" x </dev/zero')).rejects.toMatchObject({
    code: 'limit_exceeded',
  });
});

test('a program that is not there, and one that ends at once, are refused with what to do', async () => {
  await using absent = await hostOf({ ...BASH, command: 'no-such-program' });
  await expect(absent.start()).rejects.toMatchObject({
    code: 'model_rejected',
    message: expect.stringContaining('cliProviders.it.command'),
  });
  await using ending = await hostOf({
    ...BASH,
    args: ['-c', 'echo bad option >&2; exit 2'],
    ready: '> ',
  });
  await expect(ending.start()).rejects.toMatchObject({
    code: 'model_rejected',
    message: expect.stringMatching(/exit code 2.*bad option/s),
  });
  expect(await ending.directories()).toEqual([]);
});

const handles = (): number => readdirSync('/proc/self/fd').length;

test('a hundred programs that answered leave no process, no file handle, no directory and no timer', async () => {
  await using stage = await hostOf(BASH);
  const first = await stage.start();
  await ask(first, 'true');
  await first.terminate();
  await sleep(100);
  const before = { handles: handles(), timers: timers() };
  const pids: number[] = [];
  for (let round = 0; round < 10; round += 1) {
    const programs = await Promise.all(Array.from({ length: 10 }, () => stage.start()));
    for (const { text } of await Promise.all(programs.map((it) => ask(it, 'echo $$'))))
      pids.push(Number(text));
    await Promise.all(programs.map((program) => program.terminate()));
  }
  expect(pids.filter(lives)).toEqual([]);
  expect(await stage.directories()).toEqual([]);
  await vi.waitFor(() => expect(handles()).toBe(before.handles));
  // One that was there before, of something else, may have ended.
  expect(timers()).toBeLessThanOrEqual(before.timers);
});

const timers = (): number =>
  process.getActiveResourcesInfo().filter((resource) => resource === 'Timeout').length;

test('a worker that goes away ends the programs that wait at once, the others with their answers, and tells of each', async () => {
  await using stage = await hostOf({ ...BASH, env: ['HOME'] });
  await stage.start();
  const { programId } = await stage.host.start(
    {
      ...{ sessionId: newId('ses'), provider: 'it', instructions: '', workspace: null },
      ...{ conversation: undefined, idleMs: 300_000 },
    },
    new AbortController().signal,
  );
  const told: string[] = [];
  const begun = Promise.withResolvers<void>();
  const answer = (async () => {
    using _ = stage.host.inUse({ programId, idleMs: 1_000 });
    const busy = stage.host.find(programId)!;
    return await ask(busy, 'echo begun; sleep 1; echo done', { onText: () => begun.resolve() });
  })();
  await begun.promise;
  await stage.host.retire(async (left) => void told.push(left.programId));
  expect(told).toHaveLength(1);
  expect(stage.host.size).toBe(1);
  await expect(stage.start()).rejects.toMatchObject({ code: 'resource_exhausted' });
  expect((await answer).text).toBe('begun\ndone\n');
  await vi.waitFor(() => expect(told[1]).toBe(programId));
  expect(await stage.directories()).toEqual([]);
});

test('a program that is ended with its worker may write down what it knows, if that does not take long', async () => {
  await using folder = await temporaryFolder();
  const note = join(folder.path, 'note');
  const leaving = (seconds: number): CliProviderInput => ({
    ...BASH,
    args: ['-c', `bash --norc --noprofile; sleep ${seconds}; echo known >> ${note}`],
  });
  for (const seconds of [0.1, 60]) {
    await using stage = await hostOf(leaving(seconds));
    await ask(await stage.start(), 'echo hi');
    await stage.host.retire(async () => {});
    expect(stage.host.size).toBe(0);
  }
  expect(await readFile(note, 'utf8')).toBe('known\n');
});
