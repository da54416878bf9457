import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { once } from 'node:events';
import { join } from 'node:path';
import type { AddressInfo } from 'node:net';
import { execa } from 'execa';
import { describe, expect, inject, it, vi } from 'vitest';
import { freePort } from '../../servers/child.ts';
import { postgresDatabase } from '../support/database.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { jsonLines } from './command.ts';
import { MAIN, Up, place } from './up-process.ts';

// Each test starts the command several times, on machines that do other things too.
vi.setConfig({ testTimeout: 240_000 });

interface Ran {
  readonly code: number | undefined;
  readonly out: string;
  readonly err: string;
}

interface Finding {
  readonly check: string;
  readonly status: string;
  readonly detail: string;
  readonly mend?: string;
}

/** ISO 8601, UTC, as every time on `--json`. */
const inTime: unknown = expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/);

type Given = Readonly<Record<string, string>>;

/** A command in a folder of its own, with nothing in the environment but what is given. */
async function run(args: readonly string[], at: { cwd: string; env?: Given }): Promise<Ran> {
  const kept = Object.entries(process.env).filter(([name]) => !/^(PERDURE|TEMPORAL)_/.test(name));
  const env = { ...Object.fromEntries(kept), PERDURE_DEFAULT_MODEL: 'demo', ...at.env };
  const options = { cwd: at.cwd, env, extendEnv: false, reject: false } as const;
  const { exitCode, stdout, stderr } = await execa(process.execPath, [MAIN, ...args], options);
  return { code: exitCode, out: stdout, err: stderr };
}

/** Ports and a Temporal address where nobody is. */
async function nobody(): Promise<Given> {
  return {
    PERDURE_API_PORT: `${await freePort()}`,
    PERDURE_TEMPORAL_PORT: `${await freePort()}`,
    PERDURE_TEMPORAL_UI_PORT: `${await freePort()}`,
  };
}

const findingsIn = (out: string): readonly Finding[] => jsonLines(out) as unknown as Finding[];

async function findings(at: { cwd: string; env: Given }): Promise<readonly Finding[]> {
  const { out } = await run(['doctor', '--json'], at);
  return findingsIn(out);
}

describe('perdure', () => {
  it('explains itself and ends with 0', async () => {
    const { code, out } = await run(['--help'], { cwd: '.' });
    expect(code).toBe(0);
    for (const command of ['up', 'worker', 'api', 'migrate', 'keys', 'doctor', 'chat', 'sessions'])
      expect(out).toMatch(new RegExp(`^  ${command}\\b`, 'm'));
    expect(out).not.toContain('all-in-one');
    expect(out).toContain('Exit codes:');
  });

  it.each(['nonsense', 'up --nonsense', 'keys create', 'keys create --user x --role king'])(
    'ends with 2 where it is used wrongly: %s',
    async (line) => {
      const { code, err } = await run(line.split(' '), { cwd: '.' });
      expect(code).toBe(2);
      expect(err).toMatch(/^error: /);
    },
  );
});

describe('perdure worker and perdure api', () => {
  it.each(['worker', 'api'])('refuse the embedded journal and say what to do: %s', async (name) => {
    await using folder = await temporaryFolder();
    const { code, err } = await run([name], { cwd: folder.path });
    expect(code).toBe(3);
    expect(err).toContain('needs PostgreSQL');
    expect(err).toContain('PERDURE_DATABASE_URL');
  });

  it.each(['worker', 'api'])('refuse a database without its schema: %s', async (name) => {
    await using folder = await temporaryFolder();
    await using database = await postgresDatabase();
    const env = { PERDURE_DATABASE_URL: database.url };
    const { code, err } = await run([name], { cwd: folder.path, env });
    expect(code).toBe(4);
    expect(err).toContain('perdure migrate');
  });
});

/** Rejects something that nobody waits for, whenever it is told to. */
const MISTAKE = `data:text/javascript,${encodeURIComponent(
  "process.on('SIGWINCH', () => void Promise.reject(new Error('nobody caught this', { cause: new TypeError('why') })))",
)}`;

describe('a server process', () => {
  it.each(['api', 'worker', 'all-in-one'])(
    'writes what nobody caught into its log, and ends with 1: %s',
    async (name) => {
      await using folder = await temporaryFolder();
      await using database = await postgresDatabase();
      const env = {
        ...(name === 'all-in-one' ? {} : { PERDURE_DATABASE_URL: database.url }),
        ...(await nobody()),
        TEMPORAL_ADDRESS: inject('temporalAddress'),
        PERDURE_DEFAULT_MODEL: 'demo',
        NODE_OPTIONS: `--import=${MISTAKE}`,
      };
      if (name !== 'all-in-one')
        await run(['migrate', '--journal-only'], { cwd: folder.path, env });
      const child = execa(process.execPath, [MAIN, name], { cwd: folder.path, env, reject: false });
      let out = '';
      for await (const line of child.iterable()) {
        out = line;
        if (/"msg":"(API started|.*RUNNING.*|worker started)"/.test(line)) child.kill('SIGWINCH');
      }
      expect((await child).exitCode).toBe(1);
      expect((await child).stderr).toBe('');
      expect(JSON.parse(out)).toMatchObject({
        level: 'fatal',
        service: name,
        err: { message: 'nobody caught this', cause: { type: 'TypeError', message: 'why' } },
      });
    },
  );

  it.each([
    {
      what: 'an open door',
      wrong: { PERDURE_API_HOST: '0.0.0.0' } as Given,
      exitCode: 3,
      reason: 'api.host: The API will not listen on 0.0.0.0',
    },
    {
      what: 'an address of another machine',
      wrong: { PERDURE_API_HOST: '10.99.99.99', PERDURE_BOOTSTRAP_KEY_FILE: 'key' },
      exitCode: 4,
      reason: 'EADDRNOTAVAIL',
    },
  ])('refuses $what without a stack', async ({ wrong, exitCode, reason }) => {
    await using folder = await temporaryFolder();
    await writeFile(join(folder.path, 'key'), `pdk_${'a'.repeat(43)}`);
    const env = { ...(await nobody()), ...wrong, TEMPORAL_ADDRESS: inject('temporalAddress') };
    const { code, err } = await run(['all-in-one'], { cwd: folder.path, env });
    expect(err).toContain(reason);
    expect(err).not.toMatch(/^\s+at /m);
    expect(code).toBe(exitCode);
  });
});

describe('perdure migrate', () => {
  it('brings the journal up, registers search attributes, can be repeated, and goes down again', async () => {
    await using folder = await temporaryFolder();
    await using database = await postgresDatabase();
    const env = {
      PERDURE_DATABASE_URL: database.url,
      TEMPORAL_ADDRESS: inject('temporalAddress'),
    };
    const at = { cwd: folder.path, env };
    for (const _ of [1, 2]) {
      const { code, out } = await run(['migrate', '--json'], at);
      expect(code).toBe(0);
      const { migrations } = JSON.parse(out) as { migrations: { executedAt: string | null }[] };
      expect(migrations.every(({ executedAt }) => executedAt !== null)).toBe(true);
    }
    const known = await findings(at);
    expect(known.find(({ check }) => check === 'search attributes')?.status).toBe('ok');
    const down = await run(['migrate', '--down', '--json'], at);
    expect(down.code).toBe(0);
    expect(down.out).toContain('"executedAt":null');
    expect((await findings(at)).find(({ check }) => check === 'journal')).toMatchObject({
      status: 'problem',
      mend: expect.stringContaining('perdure migrate') as string,
    });
  });

  it('says when Temporal does not answer, and can leave it alone', async () => {
    await using folder = await temporaryFolder();
    const at = { cwd: folder.path, env: await nobody() };
    const { code, err } = await run(['migrate'], at);
    expect(code).toBe(4);
    expect(err).toContain(`127.0.0.1:${at.env['PERDURE_TEMPORAL_PORT']}`);
    expect((await run(['migrate', '--journal-only'], at)).code).toBe(0);
  });
});

describe('perdure keys', () => {
  it('makes a key that is shown once, lists it without its secret, and revokes it', async () => {
    await using folder = await temporaryFolder();
    const at = { cwd: folder.path };
    const args = ['keys', 'create', '--user', 'ann', '--tenant', 'acme', '--role', 'operator'];
    const made = JSON.parse((await run([...args, '--json'], at)).out) as Record<string, string>;
    expect(made).toMatchObject({ user: 'ann', tenant: 'acme', role: 'operator', revokedAt: null });
    expect(made['key']).toMatch(/^pdk_[\w-]{43}$/);

    const listed = await run(['keys', 'list'], at);
    expect(listed.out).toContain(made['keyId']);
    expect(listed.out).not.toContain(made['key']);

    expect((await run(['keys', 'revoke', `${made['keyId']}`], at)).code).toBe(0);
    expect((await run(['keys', 'list'], at)).out).toContain('revoked');
    expect((await run(['keys', 'revoke', `${made['keyId']}`], at)).code).toBe(5);
    const [first, ...others] = jsonLines((await run(['keys', 'list', '--json'], at)).out);
    expect(others).toEqual([]);
    expect(first).toMatchObject({ keyId: made['keyId'], createdAt: inTime, revokedAt: inTime });
    const malformed = await run(['keys', 'revoke', 'nonsense'], at);
    expect([malformed.code, malformed.err]).toEqual([2, expect.stringContaining('"key_"')]);
  });

  it('works through the API while Perdure runs, because the embedded journal belongs to it', async () => {
    await using folder = await temporaryFolder();
    const where = await place(folder.path);
    await using up = new Up(where);
    await up.says('Perdure is running.');
    const at = { cwd: folder.path, env: where.env as Given };
    const { code, out } = await run(['keys', 'create', '--user', 'ann', '--json'], at);
    expect(code).toBe(0);
    const { key, keyId } = JSON.parse(out) as { key: string; keyId: string };
    const headers = { authorization: `Bearer ${key}` };
    const url = `${where.url}/api/sessions`;
    expect((await fetch(url, { headers })).status).toBe(200);
    const listed = jsonLines((await run(['keys', 'list', '--json'], at)).out);
    expect(listed).toContainEqual(
      expect.objectContaining({ keyId, user: 'ann', createdAt: inTime, revokedAt: null }),
    );
    expect((await run(['keys', 'revoke', keyId], at)).code).toBe(0);
    expect((await fetch(url, { headers })).status).toBe(401);
    const own = await findings(at);
    expect(own.filter(({ status }) => status === 'problem')).toEqual([]);
    expect(own.find(({ check }) => check === 'ports')?.detail).toContain('Perdure runs');
    expect(own.find(({ check }) => check === 'search attributes')?.status).toBe('ok');
  });
});

describe('perdure doctor', () => {
  it('finds no problem in an empty folder, and warns of what is not there yet', async () => {
    await using folder = await temporaryFolder();
    const at = { cwd: folder.path, env: await nobody() };
    const { code, out } = await run(['doctor'], at);
    expect(code).toBe(0);
    expect(out).toMatch(/^ok {7}Node: 24/m);
    expect(out).toMatch(/^ok {7}sandbox: bubblewrap starts/m);
    expect(out).toMatch(/^warning {2}provider demo: .*script, not an AI/m);
    expect(out).toMatch(/^warning {2}Temporal: nothing answers/m);
    expect(out).toContain('→ Start it with `npx perdure up`');
  });

  it('names every wrong setting', async () => {
    await using folder = await temporaryFolder();
    await writeFile(join(folder.path, 'perdure.yaml'), 'apis: {}\nlog: { level: loud }');
    const { code, out } = await run(['doctor'], { cwd: folder.path });
    expect(code).toBe(1);
    expect(out).toContain('did you mean "api"');
    expect(out).toContain('log.level (perdure.yaml:2)');
  });

  it('finds a missing provider key, a foreign program on a port, a missing server and database', async () => {
    await using folder = await temporaryFolder();
    const yaml = [
      'providers: { paid: { kind: openai, apiKeyEnv: MY_KEY } }',
      'models: { best: { provider: paid, model: gpt } }',
      'defaultModel: best',
    ].join('\n');
    await writeFile(join(folder.path, 'perdure.yaml'), yaml);
    const foreign = createServer((_, response) => response.end('mine')).listen(0, '127.0.0.1');
    await once(foreign, 'listening');
    const { port } = foreign.address() as AddressInfo;
    const env = {
      PERDURE_DEFAULT_MODEL: '',
      PERDURE_API_PORT: `${port}`,
      TEMPORAL_ADDRESS: `127.0.0.1:${await freePort()}`,
      PERDURE_DATABASE_URL: `postgres://nobody:hidden@127.0.0.1:${await freePort()}/x`,
    };
    const { code, out } = await run(['doctor', '--json'], { cwd: folder.path, env });
    foreign.close();
    expect(code).toBe(1);
    const problems = findingsIn(out).filter(({ status }) => status === 'problem');
    expect(problems.map(({ check }) => check)).toEqual([
      'provider paid',
      'journal',
      'ports',
      'Temporal',
    ]);
    for (const { mend } of problems) expect(mend).toBeTruthy();
    expect(out).toContain('MY_KEY is not set');
    expect(out).toContain('PERDURE_API_PORT');
    expect(out).not.toContain('hidden');
  });
});
