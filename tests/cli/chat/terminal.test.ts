import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { startCluster } from '../../support/cluster.ts';
import type { Cluster } from '../../support/cluster.ts';
import { jsonLines, perdure } from '../command.ts';
import { openTerminal } from '../terminal.ts';

// A person waits several times in a test, once for the restart of a whole server.
vi.setConfig({ testTimeout: 480_000 });

let cluster: Cluster;
let env: Record<string, string>;
beforeAll(async () => {
  // A killed server's worker counts as dead soon, and one that starves does not; a model that holds its answer is no failure.
  const timeouts = { heartbeatMs: 6_000, heartbeatThrottleMs: 500, modelSilenceMs: 400_000 };
  const settings = { workspaceRoots: [process.cwd()], timeouts };
  cluster = await startCluster({ settings });
  env = { PERDURE_URL: cluster.urls[0]! };
});
afterAll(() => cluster[Symbol.asyncDispose]());
/** A test that fails with the server killed must not take the others with it. */
afterEach(async () => {
  const [server] = cluster.apis;
  if (server && !server.running) await server.start();
});

const words = (label: string, count: number) =>
  Array.from({ length: count }, (_, index) => `${label}-${index + 1}`).join(' ');
/** What the model was asked, in order. */
const asked = () => cluster.model.requests.map(({ user }) => user);

describe('a chat in a terminal', () => {
  test('streams answers, shows tool calls and their results, and says how to go on', async () => {
    await using terminal = openTerminal(['chat'], env);
    await terminal.sees('model: fake');
    await terminal.sees('› ');
    terminal.enter('#hello tokens=5');
    await terminal.sees(words('hello', 5));
    await terminal.sees('› ');
    terminal.enter('call=list_files{"path":"docs/errors"}');
    await terminal.sees('⚙ list_files {"path":"docs/errors"}');
    await terminal.sees(/✓ list_files: .*\.md/);
    await terminal.sees(words('token', 20));
    await terminal.sees('› ');
    terminal.press('ctrl-d');
    const id = await terminal.sees(/Go on with this session: npx perdure chat --session (ses_\w+)/);
    expect(await terminal.exited).toBe(0);
    expect((await perdure(['sessions', 'show', id], { env })).out).toMatch(/turns +2/);
  });

  test('interrupts the answer at Ctrl-C, and leaves at the second one when idle', async () => {
    await using terminal = openTerminal(['chat'], env);
    await terminal.sees('› ');
    terminal.enter('#long tokens=400 delay=40');
    await terminal.sees('long-3 ');
    terminal.press('ctrl-c');
    await terminal.sees('(interrupting …)');
    await terminal.sees('(interrupted)');
    await terminal.sees('› ');
    terminal.enter('#next tokens=2');
    await terminal.sees('next-2');
    await terminal.sees('› ');
    terminal.press('ctrl-c');
    await terminal.sees('(Ctrl-C again leaves; the session stays)');
    terminal.press('ctrl-c');
    await terminal.sees('Go on with this session');
    expect(await terminal.exited).toBe(0);
    expect(terminal.text).not.toContain('long-400');
  });

  test('shows what the model thinks, dimmed and apart from the answer; a pipe gets the answer only', async () => {
    const reply = { reasoning: 'They want a greeting.', text: 'Good day.' };
    cluster.model.script(reply, reply, reply);
    await using terminal = openTerminal(['chat'], env);
    await terminal.sees('› ');
    terminal.enter('hello');
    await terminal.sees('They want a greeting.\n\nGood day.');
    await terminal.sees('› ');
    expect(terminal.raw).toContain('\u001b[2mThey');
    expect(terminal.raw).not.toContain('\u001b[2mGood');
    const piped = await perdure(['chat'], { env, input: 'hello\n' });
    expect(piped.out.trim()).toBe('Good day.');
    const { out } = await perdure(['chat', '--json'], { env, input: 'hello\n' });
    const kinds = jsonLines(out).filter(({ type }) => type === 'content.completed');
    expect(kinds).toMatchObject([{ data: { kind: 'reasoning' } }, { data: { kind: 'text' } }]);
  });

  test('queues what is typed during an answer, and answers it afterwards', async () => {
    await using terminal = openTerminal(['chat'], env);
    await terminal.sees('› ');
    terminal.enter('#first tokens=40 delay=150');
    await terminal.sees('first-2 ');
    terminal.enter('#second tokens=3');
    terminal.enter('#third tokens=2');
    // The answer stays whole; then each message is seen again as its turn comes.
    await terminal.sees(/first-40 *\n› #second tokens=3\n\(queued: #third tokens=2\)\nsecond-1/);
    expect(terminal.text).toContain(words('first', 40));
    await terminal.sees(/second-3 *\n› #third tokens=2\nthird-1/);
    await terminal.sees('› ');
  });

  test('tells of a queued message at once where tools run, and never between the lines of an answer', async () => {
    const text = `${words('one', 20)}\nSecond line, ${words('two', 20)}`;
    const call = { name: 'list_files', arguments: { path: 'docs/errors' } };
    cluster.model.script(
      { text, tokenDelayMs: 300, toolCalls: [call] },
      { text: 'That was it.' },
      { text: 'done' },
    );
    await using terminal = openTerminal(['chat'], env);
    await terminal.sees('› ');
    terminal.enter('two lines, please');
    await terminal.sees('one-1 ');
    terminal.enter('more');
    const rest = text.slice('one-1 '.length);
    await terminal.sees(`${rest}\n  ⚙ list_files {"path":"docs/errors"}\n(queued: more)\n`);
    await terminal.sees('That was it.\n› more\ndone');
  });

  test('sends lines in the order in which they were typed, the first ones into one session', async () => {
    await using terminal = openTerminal(['chat'], env);
    await terminal.sees('› ');
    const labels = ['a', 'b', 'c', 'd', 'e'];
    terminal.enter(labels.map((label) => `#order-${label} tokens=1`).join('\r'));
    await terminal.sees('order-e-1');
    const order = asked().filter((user) => user.startsWith('#order-'));
    expect(order).toEqual(labels.map((label) => `#order-${label} tokens=1`));
    expect(terminal.text.match(/session ses_\w+/g)).toHaveLength(1);
    // What was typed while nothing was shown stands above its answer.
    for (const label of labels.slice(1))
      expect(terminal.text).toMatch(
        new RegExp(`\\n› #order-${label} tokens=1\\n(\\(queued.*\\n)*order-${label}-1`),
      );
  });

  test('sends a pasted text of several lines as one message, once Enter is pressed', async () => {
    await using terminal = openTerminal(['chat'], env);
    await terminal.sees('› ');
    terminal.paste('first line\nsecond line\n#pasted tokens=2\n');
    await terminal.sees('first line⏎second line⏎#pasted tokens=2');
    const before = asked().length;
    terminal.enter('');
    await terminal.sees('pasted-2');
    await terminal.sees('› ');
    expect(asked().slice(before)).toEqual(['first line\nsecond line\n#pasted tokens=2']);
    terminal.press('ctrl-d');
    await terminal.exited;
    expect(terminal.raw.indexOf('\u001b[?2004h')).toBeGreaterThanOrEqual(0);
    expect(terminal.raw.lastIndexOf('\u001b[?2004l')).toBeGreaterThan(0);
  });

  test('survives kill -9 of the server in mid-answer: the answer is whole, and none of it comes twice', async () => {
    await using terminal = openTerminal(['chat'], env);
    await terminal.sees('› ');
    terminal.enter('#killed tokens=60 hold=59');
    await terminal.sees('killed-5 ');
    await cluster.apis[0]!.kill();
    await terminal.sees('(connection lost; trying again. The session goes on.)');
    await cluster.apis[0]!.start();
    await terminal.sees('(connected again)');
    cluster.model.release();
    await terminal.sees('killed-60');
    await terminal.sees('› ');
    const printed = terminal.text.match(/killed-\d+/g);
    expect(printed).toEqual(Array.from({ length: 60 }, (_, index) => `killed-${index + 1}`));
    expect(asked().filter((user) => user.startsWith('#killed '))).toHaveLength(2);
    terminal.enter('#after tokens=2');
    await terminal.sees('after-2');
  });

  test('can be left with Ctrl-C while the server is gone; the answer goes on without it', async () => {
    await using terminal = openTerminal(['chat'], env);
    await terminal.sees('› ');
    terminal.enter('#left tokens=200 delay=40');
    await terminal.sees('left-2 ');
    await cluster.apis[0]!.kill();
    await terminal.sees('(connection lost');
    terminal.press('ctrl-c');
    await terminal.sees('(interrupting …)');
    terminal.press('ctrl-c');
    await terminal.sees('The answer goes on without you.');
    const id = await terminal.sees(/perdure chat --session (ses_\w+)/);
    expect(await terminal.exited, terminal.text).toBe(0);
    await cluster.apis[0]!.start();
    await using again = openTerminal(['chat', '--session', id], env);
    await again.sees('left-200');
  });

  test('says that a message may not have arrived when it is left while the server is gone', async () => {
    await using terminal = openTerminal(['chat'], env);
    await terminal.sees('› ');
    terminal.enter('#here tokens=2');
    await terminal.sees('here-2');
    await terminal.sees('› ');
    await cluster.apis[0]!.kill();
    await terminal.sees('(connection lost');
    await terminal.sees('› ');
    terminal.enter('#lost tokens=2');
    terminal.press('ctrl-c');
    await terminal.sees('(interrupting …)');
    terminal.press('ctrl-c');
    await terminal.sees('Your last message may not have arrived.\nGo on with this session');
    expect(await terminal.exited).toBe(0);
    expect(terminal.text).not.toContain('goes on without you');
  });

  test('goes on with a session by its id, shows what was said, and reopens it when it had ended', async () => {
    const first = await perdure(['chat', '--json'], { env, input: '#earlier tokens=3\n' });
    const id = String(jsonLines(first.out)[0]?.['sessionId']);
    await using terminal = openTerminal(['chat', '--session', id], env);
    await terminal.sees(`session ${id}`);
    await terminal.sees('› #earlier tokens=3');
    await terminal.sees(words('earlier', 3));
    await terminal.sees('› ');
    terminal.enter('/stop');
    await terminal.sees('(session ended: stopped; your next message reopens it)');
    await terminal.sees('› ');
    terminal.enter('#again tokens=2');
    await terminal.sees('(session reopened)');
    await terminal.sees('again-2');
  });

  test('answers /status, /queue, /model, /new, /help and unknown commands without the model', async () => {
    const before = asked().length;
    await using terminal = openTerminal(['chat'], env);
    await terminal.sees('› ');
    terminal.enter('/status');
    await terminal.sees('No session yet');
    terminal.enter('#one tokens=1');
    await terminal.sees('one-1');
    await terminal.sees('› ');
    terminal.enter('/status');
    await terminal.sees(/state +waiting/);
    terminal.enter('/queue');
    await terminal.sees('No message waits.');
    terminal.enter('/model nope');
    await terminal.sees('There is no model "nope".');
    terminal.enter('/model fake');
    await terminal.sees('model: fake');
    terminal.enter('/help');
    await terminal.sees('/model NAME');
    terminal.enter('/nonsense');
    await terminal.sees('Unknown command /nonsense');
    terminal.enter('/new');
    await terminal.sees('Your next message begins a new session.');
    terminal.enter('#two tokens=1');
    await terminal.sees(/session ses_/);
    await terminal.sees('two-1');
    expect(asked().length).toBe(before + 2);
  });

  test('shows that the model failed and is tried again', async () => {
    cluster.model.script(
      { fault: { kind: 'status', status: 503, message: 'overloaded' } },
      { text: 'here I am' },
    );
    await using terminal = openTerminal(['chat'], env);
    await terminal.sees('› ');
    terminal.enter('are you there?');
    await terminal.sees(/\(model failed, 1×: .*trying again \d s from now\)/);
    await terminal.sees('here I am');
  });
});
