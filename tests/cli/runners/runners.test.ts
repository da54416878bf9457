/** `perdure runners …` as its people use it: a user, another one, and an operator of their tenant. */
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { newId } from '../../../contracts/ids.ts';
import { startFixture, uniqueName, type Fixture } from '../../api/support/fixture.ts';
import { jsonLines, perdure } from '../command.ts';

vi.setConfig({ testTimeout: 120_000 });

let product: Fixture;
const keys = { ann: '', ben: '', olga: '' };
beforeAll(async () => {
  product = await startFixture({ settings: { api: { requireKey: true } } });
  keys.ann = await product.key('acme', 'ann');
  keys.ben = await product.key('acme', 'ben');
  keys.olga = await product.key('acme', 'olga', 'operator');
});
afterAll(() => product[Symbol.asyncDispose]());

const TOOL = { description: 'Does it.', inputSchema: { type: 'object' } };

async function register(user: 'ann' | 'ben', name: string, change: object = {}): Promise<string> {
  const answer = await product.send('POST', '/api/runners', {
    key: keys[user],
    body: {
      ...{ name, instance: newId('run'), labels: { os: 'linux', gpu: '' }, version: '1.2' },
      workdir: '/home/work',
      tools: [
        { ...TOOL, name: 'read_file', effect: 'read' },
        { ...TOOL, name: 'run_command', effect: 'never-retry' },
      ],
      ...change,
    },
  });
  expect(answer.status, JSON.stringify(answer.body)).toBe(200);
  return String(answer.body['runnerId']);
}

const as =
  (user: keyof typeof keys) =>
  (...args: string[]) =>
    perdure(['runners', ...args], { env: { PERDURE_URL: product.url, PERDURE_KEY: keys[user] } });

/** The line of a table for a runner of this name. */
const lineOf = (out: string, name: string): string =>
  out.split('\n').find((line) => line.startsWith(`${name} `)) ?? '';

test('list and show say which machines may serve you, for people and for programs', async () => {
  const carl = await product.key('acme', 'carl');
  const none = await perdure(['runners', 'list'], {
    env: { PERDURE_URL: product.url, PERDURE_KEY: carl },
  });
  expect(none).toMatchObject({
    exitCode: 0,
    out: 'No runner has registered. Start one with: npx perdure runner --name NAME --workdir FOLDER',
  });
  const name = uniqueName('laptop');
  const runnerId = await register('ann', name, { workdir: '/home/work\nstate online' });
  const listed = await as('ann')('list');
  expect(listed.out).toMatch(/^RUNNER +STATE +USER +LABELS +SEEN \(UTC\) +FOLDER\n/);
  // What a machine says of itself stays on its line.
  expect(lineOf(listed.out, name)).toMatch(
    / +online +ann +os=linux gpu= +[\d-]+ [\d:]+ +\/home\/work state online$/,
  );
  const lines = jsonLines((await as('ann')('list', '--json')).out);
  expect(lines.find((line) => line['name'] === name)).toMatchObject({ runnerId, online: true });
  expect(lineOf((await as('ben')('list')).out, name)).toBe('');
  const shown = await as('ann')('show', name);
  expect(shown.out).toMatch(new RegExp(`^runner +${name}\nid +${runnerId}\nstate +online, seen `));
  expect(shown.out).toMatch(/\nserves +ann only\n/);
  expect(shown.out).toMatch(/\nfolder +\/home\/work state online\n/);
  expect(shown.out).toMatch(/\ntools +read_file \(read\), run_command \(never-retry\)$/);
  expect(JSON.parse((await as('ann')('show', runnerId, '--json')).out)).toMatchObject({
    ...{ runnerId, name, user: 'ann', shared: false, labels: { os: 'linux', gpu: '' } },
  });
});

test('list is narrowed by labels and to those that are there, and says where none fits', async () => {
  const [one, other] = [uniqueName('one'), uniqueName('other')];
  const tag = one.toLowerCase();
  await register('ann', one, { labels: { tag, os: 'linux' } });
  await register('ann', other, { labels: { tag, os: 'macos' } });
  const names = async (...args: string[]) =>
    jsonLines((await as('ann')('list', '--json', ...args)).out).map(({ name }) => name);
  expect(await names('--label', `tag=${tag}`)).toEqual([one, other].toSorted());
  expect(await names('--online', '--label', `tag=${tag}`, '--label', 'os=linux')).toEqual([one]);
  const none = await as('ann')('list', '--label', `tag=${tag}`, '--label', 'os=plan9');
  expect(none).toMatchObject({
    exitCode: 0,
    out: 'No runner that may serve you fits. All of them: npx perdure runners list',
  });
  expect(await names('--label', 'os=plan9')).toEqual([]);
  for (const wrong of ['linux', '=linux', 'os=li nux']) {
    const refused = await as('ann')('list', '--label', wrong);
    expect([refused.exitCode, refused.out]).toEqual([2, '']);
    expect(refused.err).toContain('xpected key=value');
  }
});

test('an operator shares a runner with the tenant and takes it back; its user may not', async () => {
  const name = uniqueName('server');
  await register('ann', name);
  const refused = await as('ann')('share', name);
  expect([refused.exitCode, refused.err]).toEqual([1, expect.stringContaining('(forbidden)')]);
  expect(await as('olga')('share', name)).toMatchObject({
    exitCode: 0,
    out: `${name} serves all users of the tenant.`,
  });
  expect(lineOf((await as('ben')('list')).out, name)).toContain('ann (shared)');
  expect((await as('ben')('show', name)).out).toMatch(/\nserves +all users of the tenant\n/);
  // One that serves you is not yours.
  expect((await as('ben')('forget', name)).exitCode).toBe(5);
  const back = await as('olga')('unshare', name, '--json');
  expect(JSON.parse(back.out)).toMatchObject({ name, shared: false });
  expect((await as('ben')('show', name)).exitCode).toBe(5);
  expect((await as('olga')('unshare', name)).out).toBe(`${name} serves ann only.`);
});

test('a name that several users have is asked for by its id; a forgotten runner is gone until it comes back', async () => {
  const name = uniqueName('desk');
  const [anns, bens] = [await register('ann', name), await register('ben', name)];
  const which = await as('olga')('forget', name);
  expect(which.exitCode).toBe(2);
  expect(which.err).toContain(`${anns} of ann`);
  expect(which.err).toContain(`${bens} of ben`);
  expect((await as('olga')('forget', bens)).out).toBe(
    `${name} is forgotten.\nIt runs, and will come back: stop it, or revoke its key.`,
  );
  expect((await as('ben')('show', name)).exitCode).toBe(5);
  expect(JSON.parse((await as('ann')('forget', name, '--json')).out)).toEqual({
    ...{ runnerId: anns, removed: true },
  });
  await register('ben', name);
  expect(JSON.parse((await as('ben')('show', name, '--json')).out)).toMatchObject({
    runnerId: bens,
  });
});

test('somebody else’s id does not stand for a runner that is named like it', async () => {
  const name = uniqueName('mine');
  const mine = await register('ann', name);
  await register('ben', mine);
  await as('olga')('forget', mine);
  expect((await as('ann')('show', name)).exitCode).toBe(5);
  expect((await as('ben')('show', mine)).exitCode).toBe(0);
});

test('an unknown name, no name, an unknown command and no API are told, each with its exit code', async () => {
  const name = uniqueName('known');
  await register('ann', name);
  const unknown = await as('ann')('show', 'nobody');
  expect(unknown.exitCode).toBe(5);
  expect(unknown.err).toContain('No runner of yours is "nobody": there is ');
  expect(unknown.err).toContain(name);
  expect(unknown.err).toContain('npx perdure runner --name nobody --workdir FOLDER');
  expect((await as('ann')('show')).exitCode).toBe(2);
  expect((await as('ann')('nonsense')).exitCode).toBe(2);
  const away = { env: { PERDURE_URL: 'http://127.0.0.1:1' } };
  expect((await perdure(['runners', 'list'], away)).exitCode).toBe(4);
  const strange = { env: { PERDURE_URL: product.url, PERDURE_KEY: 'pdk_wrong' } };
  expect(await perdure(['runners', 'list'], strange)).toMatchObject({
    exitCode: 1,
    err: expect.stringContaining('(unauthenticated)'),
  });
  const help = await perdure(['runners', '--help'], { env: {} });
  expect(help.exitCode).toBe(0);
  for (const command of ['list', 'show', 'share', 'unshare', 'forget'])
    expect(help.out).toMatch(new RegExp(`^  ${command} `, 'm'));
});
