// As a new user would try it: an agent edits a file on another machine (another folder, another user of the system), after an approval with changed
// arguments, with the runner killed and started again in between.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmod, chown, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { MAIN } from '../support/processes.ts';
import { eventually } from '../api/support/fixture.ts';
import { openRunnerStage } from './support/stage.ts';

vi.setConfig({ testTimeout: 240_000 });

/** Root may become somebody else; everybody else is another user than root already. */
const NOBODY = 65_534;
const user = process.getuid?.() === 0 ? { uid: NOBODY, gid: NOBODY } : {};

test('an agent edits a file through a runner of another user, after an approval with changed arguments, once, though the runner was killed', async () => {
  await using stage = await openRunnerStage();
  const { product, proxy } = stage;
  const machine = await mkdtemp(join(tmpdir(), 'other-machine-'));
  const [work, state, file] = ['work', 'state', 'work/notes.txt'].map((it) => join(machine, it));
  await mkdir(work!);
  await mkdir(state!);
  await writeFile(file!, 'alpha\n');
  await chmod(machine, 0o755);
  if (user.uid) for (const it of [work!, state!, file!]) await chown(it, NOBODY, NOBODY);
  const start = async (): Promise<ChildProcess> => {
    const args = ['runner', '--url', proxy.url, '--name', 'other', '--workdir', work!];
    const more = ['--state', state!, '--allow', 'edit_file', '--json'];
    const child = spawn(process.execPath, [MAIN, ...args, ...more], { ...user, cwd: '/' });
    let said = '';
    child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
    await eventually(
      async () => said,
      (text) => {
        if (child.exitCode !== null) throw new Error(text);
        return text.includes('"registered"');
      },
    );
    return child;
  };
  const kill = async (child: ChildProcess) => {
    const exited = once(child, 'exit');
    child.kill('SIGKILL');
    await exited;
  };

  let runner = await start();
  const edits = (to: string) => ({ path: 'notes.txt', edits: [{ old: 'alpha', new: to }] });
  const ask = `edit_file${JSON.stringify(edits('alpha alpha'))}`;
  const sessionId = await stage.ask({ name: 'other' }, ask, 'editor');
  const waiting = await eventually(
    () => product.send('GET', '/api/approvals'),
    ({ body }) => (body['approvals'] as unknown[]).length > 0,
  );
  const [{ approvalId }] = waiting.body['approvals'] as [{ approvalId: string }];
  expect(await readFile(file!, 'utf8')).toBe('alpha\n');
  // While the person thinks.
  await kill(runner);
  runner = await start();
  const reached = proxy.hold('tool.result', 'answer');
  const decided = await product.send('POST', `/api/approvals/${approvalId}/decision`, {
    body: { decision: 'approve', arguments: edits('alpha beta') },
  });
  expect(decided.status, JSON.stringify(decided.body)).toBe(200);
  // With the edit done and its result under way.
  await reached;
  await kill(runner);
  proxy.release();
  runner = await start();
  expect(await stage.settled(sessionId)).toMatchObject([
    { name: 'edit_file', outcome: 'completed' },
  ]);
  expect(await readFile(file!, 'utf8')).toBe('alpha beta\n');
  await kill(runner);
  await rm(machine, { recursive: true });
});
