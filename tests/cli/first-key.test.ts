// With api.requireKey from the beginning nobody has a key yet: whoever started Perdure can make the first one.
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { readOwnerKey } from '../../cli/keys/owner-key.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { perdure } from './command.ts';
import { childrenOf, place, Up, type Place } from './up-process.ts';

const READY = 'Perdure is running.';
const SEVERAL_STARTS_MS = 480_000;

const homeOf = ({ folder }: Place) => join(folder, '.perdure');
const list = (where: Place, key: string) =>
  fetch(`${where.url}/api/keys`, { headers: { authorization: `Bearer ${key}` } });

it(
  'the first key is made with the command that the start shows, while nobody else is let in',
  { timeout: SEVERAL_STARTS_MS },
  async () => {
    await using folder = await temporaryFolder();
    const at = await place(folder.path);
    const where = {
      ...at,
      env: { ...at.env, PERDURE_REQUIRE_KEY: 'true', PERDURE_TEMPORAL_UI: 'false' },
    };
    const keys = (args: string, env: Record<string, string> = {}) =>
      perdure(['keys', ...args.split(' ')], {
        env: { ...(where.env as Record<string, string>), PERDURE_HOME: homeOf(where), ...env },
      });
    await using up = new Up(where);
    await up.says(READY);
    expect((await fetch(`${where.url}/api/keys`)).status).toBe(401);
    // Nor by way of Temporal's own page, if it is not wanted.
    expect(up.output).not.toContain('Temporal UI');
    await expect(fetch(`http://127.0.0.1:${at.env['PERDURE_TEMPORAL_UI_PORT']}`)).rejects.toThrow();
    const [, shown] = /npx perdure keys (create .*)/.exec(up.output)!;
    const made = await keys(`${shown} --json`);
    expect(made).toMatchObject({ exitCode: 0, err: '' });
    const { key } = JSON.parse(made.out) as { key: string };
    expect((await list(where, key)).status).toBe(200);

    // It is for its owner, on this machine, at this address, and for one start.
    const owner = readOwnerKey({ home: homeOf(where) })!;
    expect((await stat(join(homeOf(where), 'owner-key.json'))).mode & 0o777).toBe(0o600);
    expect((await list(where, owner.key)).status).toBe(200);
    const forwarded = { authorization: `Bearer ${owner.key}`, 'x-forwarded-for': '10.0.0.1' };
    expect((await fetch(`${where.url}/api/keys`, { headers: forwarded })).status).toBe(401);
    const elsewhere = await keys('list', {
      PERDURE_URL: where.url.replace('127.0.0.1', 'localhost'),
    });
    expect([elsewhere.exitCode, elsewhere.err]).toEqual([1, expect.stringContaining('No key')]);
    const other = await keys('list', { PERDURE_KEY: `pdk_${'x'.repeat(43)}` });
    expect([other.exitCode, other.err]).toEqual([1, expect.stringContaining('unknown')]);

    process.kill(childrenOf(where).perdure, 'SIGKILL');
    await up.says('Perdure is back');
    expect((await list(where, owner.key)).status).toBe(401);
    expect((await list(where, key)).status).toBe(200);
    expect(await keys('list')).toMatchObject({ exitCode: 0, err: '' });
    expect(await up.end('SIGTERM')).toBe(0);
    expect(readOwnerKey({ home: homeOf(where) })).toBeUndefined();
    // Straight in the journal.
    expect(await keys('list')).toMatchObject({ exitCode: 0, err: '' });
  },
);
