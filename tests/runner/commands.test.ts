// `run_command` as `perdure runner` executes it, in a real sandbox on a machine of its own.
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { readFile, readdir } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { eventually, uniqueName } from '../api/support/fixture.ts';
import { machineIn, startPerdureRunner } from './support/perdure-runner.ts';
import { openRunnerStage, type RunnerStage } from './support/stage.ts';

vi.setConfig({ testTimeout: 240_000 });

let stage: RunnerStage;
beforeAll(async () => {
  stage = await openRunnerStage();
});
afterAll(() => stage[Symbol.asyncDispose]());

async function machine(...more: string[]) {
  const made = await machineIn(stage.product.folder, stage.product.url);
  const start = () => startPerdureRunner([...made.args, ...more]);
  return { ...made, start, runner: await start() };
}

const ALLOWED = ['--allow', 'run_command'];

/** A session whose model runs a command on that machine. */
const ask = (name: string, command: string, { agent = 'assistant', ...more } = {}) =>
  stage.ask({ name }, `run_command${JSON.stringify({ command, ...more })}`, agent);

/** The processes of this machine whose command line has these words. */
async function running(words: string): Promise<readonly string[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const lines = await Promise.all(
    // Gone since, or never there.
    pids.map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')),
  );
  return lines.filter((line) => line.replaceAll('\0', ' ').startsWith(words));
}

const untilRunning = (words: string, count: number) =>
  eventually(
    () => running(words),
    (found) => found.length === count,
  );

/** Lasts for longer than any test, and like no other process of this machine. */
let naps = 0;
const nap = () => `sleep ${9_000_000 + process.pid}.${++naps}`;

/** One that left its session and its parent, one in the background, and the command itself. */
const asThree = (sleeping: string) =>
  `(setsid ${sleeping} >/dev/null 2>&1 &); ${sleeping} & echo begun; ${sleeping}`;

test('a command says what it wrote and its exit code, and what it changed is on the runner’s machine', async () => {
  const { name, workdir, runner } = await machine(...ALLOWED);
  await using _ = runner;
  const sessionId = await ask(name, 'echo seen; echo told >&2; pwd > place; exit 3');
  expect(await stage.settled(sessionId)).toEqual([
    expect.objectContaining({ outcome: 'completed', result: 'seen\ntold\n[exit code 3]' }),
  ]);
  expect(await readFile(join(workdir, 'place'), 'utf8')).toBe(`${workdir}\n`);
});

test('a command that nobody has allowed on that machine does not run there, and the model reads why', async () => {
  const { name, workdir, runner } = await machine('--allow', 'edit_file');
  await using _ = runner;
  expect(await stage.settled(await ask(name, 'touch made'))).toMatchObject([
    {
      outcome: 'rejected',
      error: { code: 'tool_denied', message: expect.stringContaining('--allow run_command') },
    },
  ]);
  expect(existsSync(join(workdir, 'made'))).toBe(false);
});

test('a command that the agent has to ask about runs once it is approved, with the arguments that were approved', async () => {
  const { name, workdir, runner } = await machine(...ALLOWED);
  await using _ = runner;
  const sessionId = await ask(name, 'touch asked', { agent: 'editor' });
  const opened = await eventually(
    async () =>
      (await stage.events(sessionId)).find((event) => event.type === 'approval.opened')?.data,
    (data) => data !== undefined,
  );
  expect(opened).toMatchObject({ preview: 'in .:\ntouch asked' });
  const { approvalId } = opened as { approvalId: string };
  const decided = await stage.product.send('POST', `/api/approvals/${approvalId}/decision`, {
    body: { decision: 'approve', arguments: { command: 'touch approved' } },
  });
  expect(decided.status, JSON.stringify(decided.body)).toBe(200);
  expect(await stage.settled(sessionId)).toMatchObject([{ result: '[exit code 0]' }]);
  expect(await readdir(workdir)).toEqual(['approved']);
});

test('a command reaches no network, neither the machine’s own nor another, unless the runner was told to allow it', async () => {
  let calls = 0;
  const server = createServer((socket) => {
    calls += 1;
    socket.on('error', () => undefined).end();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const knock = `exec 3<>/dev/tcp/127.0.0.1/${port} && echo through`;
  try {
    const closed = await machine(...ALLOWED);
    await using _ = closed.runner;
    expect(await stage.settled(await ask(closed.name, knock))).toMatchObject([
      { outcome: 'completed', result: expect.stringMatching(/refused[^]*\[exit code 1\]/) },
    ]);
    expect(calls).toBe(0);
    const open = await machine(...ALLOWED, '--network');
    await using __ = open.runner;
    expect(await stage.settled(await ask(open.name, knock))).toMatchObject([
      { result: 'through\n[exit code 0]' },
    ]);
    expect(calls).toBe(1);
  } finally {
    server.close();
  }
});

test.each(['interrupt', 'stop'])(
  '%s ends a command with all that it has started, and the runner goes on',
  async (how) => {
    const { name, runner } = await machine(...ALLOWED);
    await using _ = runner;
    const sleeping = nap();
    const sessionId = await ask(name, asThree(sleeping));
    await untilRunning(sleeping, 3);
    await stage.product.send('POST', `/api/sessions/${sessionId}/${how}`);
    expect(await stage.settled(sessionId)).toMatchObject([{ outcome: 'interrupted' }]);
    await untilRunning(sleeping, 0);
    expect(await stage.settled(await ask(name, 'echo next'))).toMatchObject([
      { result: 'next\n[exit code 0]' },
    ]);
  },
);

test('a command ends at the time that it was given, with what it said until then and all that it has started', async () => {
  const { name, runner } = await machine(...ALLOWED);
  await using _ = runner;
  const sleeping = nap();
  const sessionId = await ask(name, asThree(sleeping), { timeoutSeconds: 1 } as object);
  expect(await stage.settled(sessionId)).toMatchObject([
    { outcome: 'completed', result: 'begun\n[ended after 1 s, its time limit]' },
  ]);
  await untilRunning(sleeping, 0);
});

test('kill -9 of the runner takes the command with it, which is not run again, and its outcome is unknown', async () => {
  const { name, workdir, start, runner } = await machine(...ALLOWED);
  const sleeping = nap();
  const file = uniqueName('runs');
  const sessionId = await ask(name, `echo run >> ${file}; ${asThree(sleeping)}`);
  await untilRunning(sleeping, 3);
  runner.child.kill('SIGKILL');
  await once(runner.child, 'exit');
  await untilRunning(sleeping, 0);
  await using _ = await start();
  expect(await stage.settled(sessionId)).toMatchObject([
    { outcome: 'unknown', error: { code: 'tool_outcome_unknown' } },
  ]);
  expect(await readFile(join(workdir, file), 'utf8')).toBe('run\n');
});
