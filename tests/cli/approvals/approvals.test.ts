/** A person's word on a call: by the commands, in a chat in a terminal, and in one through a pipe. */
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { startCluster } from '../../support/cluster.ts';
import type { Cluster } from '../../support/cluster.ts';
import { jsonLines, perdure } from '../command.ts';
import { openTerminal } from '../terminal.ts';

vi.setConfig({ testTimeout: 480_000 });

const CALL = 'call=list_files{"path":"docs/errors"}';

let cluster: Cluster;
let env: Record<string, string>;
beforeAll(async () => {
  const approvalPolicy = [{ tool: 'list_files', action: 'ask', reason: 'It looks around.' }];
  const settings = { workspaceRoots: [process.cwd()], approvalPolicy };
  cluster = await startCluster({ settings });
  env = { PERDURE_URL: cluster.urls[0]! };
});
afterAll(() => cluster[Symbol.asyncDispose]());

const run = (...args: string[]) => perdure(['approvals', ...args], { env });

/** The first approval that waits, once there is one. */
async function waiting(): Promise<string> {
  for (;;) {
    const [found] = jsonLines((await run('list', '--json')).out);
    if (found) return found['approvalId'] as string;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

/** A chat whose question about the call stands there. */
async function askedTerminal() {
  await using opened = new AsyncDisposableStack();
  const terminal = opened.use(openTerminal(['chat'], env));
  await terminal.sees('› ');
  terminal.enter(CALL);
  await terminal.sees('y yes · n no');
  await terminal.sees('› ');
  opened.move();
  return terminal;
}

describe('a chat in a terminal', () => {
  test('asks, and runs the call at "y"', async () => {
    await using terminal = openTerminal(['chat'], env);
    await terminal.sees('› ');
    terminal.enter(CALL);
    // The call stands right above the question, once.
    await terminal.sees(
      [
        '  ⚙ list_files {"path":"docs/errors"}',
        '? list_files waits for your approval (approvalPolicy[0]: It looks around.)',
        'May it run? y yes · n no · e yes, with other arguments',
      ].join('\n'),
    );
    await terminal.sees('› ');
    terminal.enter('y');
    await terminal.sees('(approved by local)');
    await terminal.sees(/✓ list_files: .*\.md/);
    await terminal.sees('token-20');
    await terminal.sees('› ');
  });

  test('of several calls shows with each question which one it is about', async () => {
    const paths = ['docs/errors', 'docs/decisions'];
    const toolCalls = paths.map((path) => ({ name: 'list_files', arguments: { path } }));
    cluster.model.script({ toolCalls }, { text: 'Both.' });
    await using terminal = openTerminal(['chat'], env);
    await terminal.sees('› ');
    terminal.enter('both, please');
    const asked = '? list_files waits for your approval (approvalPolicy[0]: It looks around.)\n';
    const call = (path: string) => `  ⚙ list_files {"path":"${path}"}\n`;
    await terminal.sees(call('docs/errors'));
    await terminal.sees(asked);
    await terminal.sees('› ');
    terminal.enter('y');
    await terminal.sees('(approved by local)');
    await terminal.sees(`${asked}${call('docs/decisions')}May it run?`);
    await terminal.sees('› ');
    terminal.enter('y');
    await terminal.sees('(approved by local)');
    await terminal.sees('Both.');
  });

  test('asks for the reason at "n", which the model reads', async () => {
    await using terminal = await askedTerminal();
    terminal.enter('n');
    await terminal.sees('Why not?');
    await terminal.sees('› ');
    terminal.enter('not in the evening');
    await terminal.sees('(rejected by local)');
    await terminal.sees('✗ list_files: A person rejected this call');
    await terminal.sees('token-20');
    expect(JSON.stringify(cluster.model.requests.at(-1))).toContain(
      'They said: not in the evening',
    );
  });

  test('offers the arguments to be edited at "e", refuses bad ones, and runs the call with the good', async () => {
    await using terminal = await askedTerminal();
    terminal.enter('e');
    await terminal.sees('› {"path":"docs/errors"}');
    terminal.press('ctrl-u');
    terminal.enter('{"path":7}');
    await terminal.sees(/"arguments" are not valid for list_files: \/path must be string/);
    await terminal.sees('› ');
    terminal.enter('e');
    await terminal.sees('› {"path":"docs/errors"}');
    terminal.press('ctrl-u');
    terminal.enter('{"path":"examples"}');
    await terminal.sees('(approved by local, with other arguments)');
    await terminal.sees(/✓ list_files: /);
    await terminal.sees('token-20');
    expect(JSON.stringify(cluster.model.requests.at(-1))).toContain(
      String.raw`it ran with these: {\"path\":\"examples\"}`,
    );
  });

  test('Ctrl-C gives up the arguments that are being edited, and nothing else; a pasted answer is one line', async () => {
    await using terminal = await askedTerminal();
    terminal.enter('e');
    await terminal.sees('› {"path":"docs/errors"}');
    terminal.press('ctrl-c');
    await terminal.sees('? list_files waits for your approval');
    await terminal.sees('› ');
    terminal.enter('n');
    await terminal.sees('Why not?');
    await terminal.sees('› ');
    terminal.press('ctrl-c');
    await terminal.sees('? list_files waits for your approval');
    await terminal.sees('› ');
    terminal.enter('e');
    await terminal.sees('› {"path":"docs/errors"}');
    terminal.press('ctrl-u');
    terminal.paste('{\n  "path": "examples"\n}\n');
    await terminal.sees('⏎}');
    terminal.enter('');
    await terminal.sees('(approved by local, with other arguments)');
    await terminal.sees('token-20');
    expect(terminal.text).not.toContain('(interrupting');
  });

  test('asks again where it goes on with the session, takes other lines as messages, and hears what is decided elsewhere', async () => {
    await using first = openTerminal(['chat'], env);
    await first.sees('› ');
    first.enter(CALL);
    await first.sees('y yes · n no');
    await first.sees('› ');
    first.press('ctrl-d');
    const id = await first.sees(/npx perdure chat --session (ses_\w+)/);
    await using second = openTerminal(['chat', '--session', id], env);
    await second.sees('? list_files waits for your approval');
    await second.sees('› ');
    second.enter('no problem, go on later');
    await second.sees('(queued: no problem, go on later)');
    const approvalId = await waiting();
    expect((await run('reject', approvalId)).out).toBe('list_files is rejected.');
    await second.sees('(rejected by local)');
    await second.sees('token-20');
  });

  test('Ctrl-C interrupts the turn, and nothing is asked any more', async () => {
    await using terminal = await askedTerminal();
    terminal.press('ctrl-c');
    await terminal.sees('(interrupted)');
    await terminal.sees('› ');
    expect((await run('list')).out).toBe('Nothing waits for an approval.');
  });
});

describe('a chat through a pipe', () => {
  test('takes the line behind the message as the answer', async () => {
    const { out, err, exitCode } = await perdure(['chat'], { env, input: `${CALL}\ny\n` });
    expect(err).toContain('? list_files waits for your approval');
    expect(out).toMatch(/✓ list_files: .*\.md/);
    expect(exitCode).toBe(0);
  });

  test('takes a reason on the same line', async () => {
    const input = `${CALL}\nn: too early\n#next tokens=2\n`;
    const { out, exitCode } = await perdure(['chat'], { env, input });
    expect(out).toContain(
      '✗ list_files: A person rejected this call. It did not run. They said: too early',
    );
    expect(out).toContain('next-2');
    expect(exitCode).toBe(0);
  });

  test('waits for who decides elsewhere where the next line is no answer, and sends that afterwards', async () => {
    const chatting = perdure(['chat'], { env, input: `${CALL}\n#next tokens=2\n` });
    const approvalId = await waiting();
    await run('approve', approvalId);
    const { out, err } = await chatting;
    expect(err).toContain(`npx perdure approvals approve ${approvalId}`);
    expect(out).toMatch(/✓ list_files: [^]*next-2/);
  });
});

describe('the commands', () => {
  const begin = async (): Promise<string> => {
    const client = await fetch(`${env['PERDURE_URL']}/api/sessions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ message: CALL, workspace: process.cwd() }),
    });
    expect(client.status).toBe(201);
    return waiting();
  };

  test('list, show and approve with other arguments, for people and for programs', async () => {
    const id = await begin();
    expect((await run('list')).out).toMatch(
      new RegExp(`APPROVAL .*TOOL .*\n${id} +list_files +open .*"docs/errors"`),
    );
    const shown = (await run('show', id)).out;
    expect(shown).toMatch(/state +open\n/);
    expect(shown).toContain('asked by   approvalPolicy[0]: It looks around.');
    const approved = await run('approve', id, '--args', '{"path":"examples"}');
    expect(approved).toMatchObject({
      out: 'list_files is approved with other arguments.',
      exitCode: 0,
    });
    expect((await run('show', id)).out).toMatch(/state +approved by local\n[^]*ran with +\{\n/);
    expect(JSON.parse((await run('show', id, '--json')).out)).toMatchObject({
      approvalId: id,
      outcome: 'approved',
      changedArguments: { path: 'examples' },
    });
    const settled = jsonLines((await run('list', '--state', 'settled', '--json')).out);
    expect(settled[0]).toMatchObject({ approvalId: id });
  });

  test('say what went wrong: decided already, unknown, malformed, no JSON', async () => {
    const id = await begin();
    expect(await run('reject', id, '--reason', 'no', '--json')).toMatchObject({ exitCode: 0 });
    const stale = await run('approve', id);
    expect([stale.exitCode, stale.err]).toEqual([
      1,
      expect.stringContaining('rejected by local already'),
    ]);
    const unknown = await run('approve', `${id.slice(0, -1)}${id.endsWith('0') ? '1' : '0'}`);
    expect([unknown.exitCode, unknown.err]).toEqual([5, expect.stringContaining('not_found')]);
    const malformed = await run('show', 'apr_1');
    expect([malformed.exitCode, malformed.err]).toEqual([2, expect.stringContaining('"apr_"')]);
    const wrong = await run('approve', id, '--args', '[1]');
    expect([wrong.exitCode, wrong.err]).toEqual([2, expect.stringContaining('a JSON object')]);
  });
});
