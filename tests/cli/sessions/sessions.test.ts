import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { createPerdureClient } from '../../../client/index.ts';
import { startCluster } from '../../support/cluster.ts';
import type { Cluster } from '../../support/cluster.ts';
import { jsonLines, perdure } from '../command.ts';
import { openTerminal } from '../terminal.ts';

// Each test starts the command several times, on machines that do other things too.
vi.setConfig({ testTimeout: 240_000 });

let cluster: Cluster;
let env: Record<string, string>;
let id: string;
beforeAll(async () => {
  cluster = await startCluster({ settings: { workspaceRoots: [process.cwd()] } });
  env = { PERDURE_URL: cluster.urls[0]! };
  using client = createPerdureClient({ url: cluster.urls[0]! });
  const { session, messageId } = await client.start({
    workspace: process.cwd(),
    title: 'Errors\u001b[2J of the docs',
    context: 'docs',
    message: 'call=list_files{"path":"docs/errors"} tokens=3',
  });
  await session.onceSettled(messageId!);
  id = session.id;
});
afterAll(() => cluster[Symbol.asyncDispose]());

const run = (...args: string[]) => perdure(['sessions', ...args], { env });

describe('perdure sessions', () => {
  test('list shows them as a table, or one JSON object a line', async () => {
    const { out, exitCode } = await run('list');
    expect(exitCode).toBe(0);
    expect(out).toMatch(new RegExp(`^SESSION .*\\n(.*\\n)*${id}  waiting  1 `));
    expect(jsonLines((await run('list', '--json')).out)).toMatchObject([
      { sessionId: id, turns: 1 },
    ]);
  });

  test('list filters by state and context', async () => {
    expect((await run('list', '--context', 'docs')).out).toContain(id);
    expect((await run('list', '--context', 'elsewhere')).out).toContain('No sessions');
    expect((await run('list', '--state', 'ended')).out).not.toContain(id);
    expect((await run('list', '--state', 'nonsense')).exitCode).toBe(2);
    expect((await run('list', '--limit', 'many')).exitCode).toBe(2);
  });

  test('show gives state, model and cost, and lets nothing that somebody wrote steer the terminal', async () => {
    const { out } = await run('show', id);
    expect(out).toMatch(/^state +waiting$/m);
    expect(out).toMatch(/^model +fake$/m);
    expect(out).toMatch(/^spent +\d+ tokens, \$/m);
    expect(out).toContain('Errors[2J of the docs');
    expect(jsonLines((await run('show', id, '--json')).out)).toMatchObject([{ sessionId: id }]);
  });

  test('transcript gives what was said, tool calls with it', async () => {
    const { out } = await run('transcript', id);
    expect(out).toMatch(/^> call=list_files/m);
    expect(out).toMatch(/⚙ list_files \{"path":"docs\/errors"\}/);
    expect(out).toMatch(/✓ list_files: /);
    expect(out).toContain('token-1 token-2 token-3');
    const roles = jsonLines((await run('transcript', id, '--json')).out).map(({ role }) => role);
    expect(roles).toEqual(['user', 'assistant', 'tool', 'assistant']);
  });

  test('events gives the log, from a number on', async () => {
    const events = jsonLines((await run('events', id, '--json')).out);
    expect(events[0]).toMatchObject({ seq: 1, type: 'session.created' });
    expect(events.at(-1)).toMatchObject({ type: 'turn.settled' });
    const rest = jsonLines((await run('events', id, '--json', '--after', '3')).out);
    expect(rest).toEqual(events.slice(3));
    expect((await run('events', id)).out).toMatch(/^ +1 .* session.created /);
  });

  test('events --follow goes on with what comes, until Ctrl-C', async () => {
    await using terminal = openTerminal(['sessions', 'events', id, '--follow'], env);
    await terminal.sees('turn.settled');
    using client = createPerdureClient({ url: cluster.urls[0]! });
    await client.session(id).send('#more tokens=1');
    await terminal.sees('more-1');
    await terminal.sees('turn.settled');
    terminal.press('ctrl-c');
    expect(await terminal.exited).toBe(0);
  });

  test('ends without an error when whoever reads has enough', async () => {
    const command = `${process.execPath} cli/main.ts sessions events ${id} --json | head -1`;
    const { stdout, stderr } = await execa({
      shell: '/bin/bash',
      env,
    })`${command}; exit \${PIPESTATUS[0]}`;
    expect(jsonLines(stdout)).toMatchObject([{ seq: 1 }]);
    expect(stderr).toBe('');
  });

  test('stop ends a session, and says how to go on with it', async () => {
    using client = createPerdureClient({ url: cluster.urls[0]! });
    const { session } = await client.start();
    const { out, exitCode } = await run('stop', session.id);
    expect(exitCode).toBe(0);
    expect(out).toContain(`perdure chat --session ${session.id}`);
    for await (const { type } of session.events()) if (type === 'session.ended') break;
    expect((await run('stop', session.id)).exitCode).toBe(0);
  });

  const unknown = 'ses_01jd9rk0x3e8wvz5t2m4q7h6na';
  test.each([
    { args: ['show', unknown], code: 5, message: 'There is no session' },
    { args: ['transcript', unknown], code: 5, message: 'not_found' },
    { args: ['events', unknown], code: 5, message: 'not_found' },
    { args: ['stop', 'msg_01jd9rk0x3e8wvz5t2m4q7h6na'], code: 2, message: 'expected "ses_"' },
  ])('$args exits with $code and says why', async ({ args, code, message }) => {
    const ran = await run(...args);
    expect(ran.exitCode).toBe(code);
    expect(ran.err).toContain(message);
    expect(ran.out).toBe('');
  });

  test('exits with 4 and names the next step where no server answers', async () => {
    const ran = await perdure(['sessions', 'list'], { env: { PERDURE_API_PORT: '9' } });
    expect(ran.exitCode).toBe(4);
    expect(ran.err).toContain('npm start');
  });

  test('exits with 2 for an unknown command or a missing id', async () => {
    expect((await run('lst')).exitCode).toBe(2);
    expect((await run('show')).exitCode).toBe(2);
  });
});
