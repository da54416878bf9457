import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { startCluster } from '../../support/cluster.ts';
import type { Cluster } from '../../support/cluster.ts';
import { jsonLines, perdure } from '../command.ts';

vi.setConfig({ testTimeout: 240_000 });

let cluster: Cluster;
let env: Record<string, string>;
beforeAll(async () => {
  cluster = await startCluster({ settings: { workspaceRoots: [process.cwd()] } });
  env = { PERDURE_URL: cluster.urls[0]! };
});
afterAll(() => cluster[Symbol.asyncDispose]());

describe('a chat through a pipe', () => {
  test('answers each line in turn, answers on stdout and notices on stderr', async () => {
    const ran = await perdure(['chat'], { env, input: '#a tokens=3\n\n#b tokens=2\n' });
    expect(ran).toMatchObject({
      exitCode: 0,
      out: expect.stringMatching(/^a-1 a-2 a-3 *\nb-1 b-2 *$/),
    });
    expect(ran.err).toContain('model: fake');
    expect(ran.err).toMatch(/go on with: npx perdure chat --session ses_/);
  });

  test('says where the tools do not work in the folder of its start, and answers all the same', async () => {
    const input = '#elsewhere tokens=2\n';
    const { out, err } = await perdure(['chat'], { env, input, cwd: '/' });
    expect(err).toContain(
      `(the tools do not work in this folder: "workspace": expected an existing folder within ${process.cwd()}. /status says in which.)`,
    );
    expect(out).toContain('elsewhere-2');
    expect((await perdure(['chat'], { env, input })).err).not.toContain('the tools do not work');
  });

  test('prints every event as a line of JSON when asked to', async () => {
    const { out } = await perdure(['chat', '--json'], { env, input: '#a tokens=2\n' });
    const events = jsonLines(out);
    expect(events[0]).toMatchObject({ type: 'session.created', seq: 1 });
    expect(events.at(-1)).toMatchObject({ type: 'turn.settled', data: { outcome: 'completed' } });
  });

  test('keeps to the session of a context', async () => {
    const options = { env, input: '#ctx tokens=1\n' };
    await perdure(['chat', '--context', 'my project'], options);
    const { out } = await perdure(['chat', '--context', 'my project', '--json'], options);
    const accepted = jsonLines(out).filter(({ type }) => type === 'message.accepted');
    expect(accepted.length).toBe(1);
    expect(jsonLines(out)[0]?.['seq']).toBeGreaterThan(3);
  });

  test('exits with 1 when a turn fails, and tells why', async () => {
    cluster.model.script({ fault: { kind: 'status', status: 401, message: 'no such key' } });
    const ran = await perdure(['chat'], { env, input: 'hello\n' });
    expect(ran.exitCode).toBe(1);
    expect(ran.err).toMatch(/✗ Turn failed: .*\(model_rejected\)/);
  });

  test.each([
    {
      what: 'an unknown session',
      args: ['--session', 'ses_01jd9rk0x3e8wvz5t2m4q7h6na'],
      code: 5,
      message: 'not_found',
    },
    { what: 'a malformed id', args: ['--session', 'nonsense'], code: 2, message: 'invalid_id' },
    {
      what: 'an unknown agent',
      args: ['--agent', 'nobody'],
      code: 2,
      message: 'expected one of assistant',
    },
    { what: 'no server', args: ['--url', 'http://127.0.0.1:9'], code: 4, message: 'npm start' },
    {
      what: 'another program on the port',
      args: ['--url', 'MODEL'],
      code: 4,
      message: 'Is this the address of a Perdure API?',
    },
    {
      what: 'something that is no URL',
      args: ['--url', 'ftp://x'],
      code: 2,
      message: 'Expected a URL',
    },
  ])(
    'says what is wrong with $what, and exits with its own code',
    async ({ args, code, message }) => {
      const real = args.map((arg) => (arg === 'MODEL' ? cluster.model.url : arg));
      const ran = await perdure(['chat', ...real], { env, input: 'hello\n' });
      expect(ran.exitCode).toBe(code);
      expect(ran.err).toContain(message);
    },
  );
});
