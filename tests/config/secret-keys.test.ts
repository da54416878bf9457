/** The keys that tokens are encrypted with: where they come from, and what is said where there is none or a wrong one. */
import { randomBytes } from 'node:crypto';
import { chmod, mkdir, readFile, readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { SettingsError } from '../../config/problems.ts';
import { readSecretKeys } from '../../config/secret-keys.ts';
import { credentialSchema } from '../../contracts/credentials.ts';
import type { SecretKeys } from '../../contracts/credentials.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const STORED = { gateway: credentialSchema.parse({ strategy: 'oauth2-client-credentials' }) };
const NOT_STORED = { login: credentialSchema.parse({ strategy: 'command', command: 'x' }) };

const base64 = (bytes = randomBytes(32)): string => bytes.toString('base64');
const textOf = (key: Uint8Array | undefined): string => Buffer.from(key ?? []).toString('base64');
const modeOf = async (path: string): Promise<number> => (await stat(path)).mode & 0o777;

interface Given {
  readonly home: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly credentials?: typeof STORED | typeof NOT_STORED;
  readonly fleet?: boolean;
}

const read = ({ home, env = {}, credentials = STORED, fleet = false }: Given) =>
  readSecretKeys({ home, credentials, journal: journalOf(fleet) }, (name) => env[name]);

const journalOf = (fleet: boolean) =>
  ({ ...(fleet && { url: 'postgres://x' }) }) as Parameters<typeof readSecretKeys>[0]['journal'];

async function refusalOf(given: Given): Promise<string> {
  const error = await read(given).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(SettingsError);
  return (error as SettingsError).message;
}

describe('the embedded mode', () => {
  it('makes a key of its own, readable by its user alone, and has the same one afterwards', async () => {
    await using folder = await temporaryFolder();
    const home = join(folder.path, 'new', 'home');
    const first = await read({ home });
    const path = join(home, 'secret-key');
    expect(await modeOf(path)).toBe(0o600);
    expect(await modeOf(home)).toBe(0o700);
    expect(first?.current).toHaveLength(32);
    expect(textOf(first?.current)).toBe((await readFile(path, 'utf8')).trim());
    expect(await read({ home })).toEqual(first);
    expect(await readdir(home)).toEqual(['secret-key']);
  });

  it('is closed also where the folder was there, and whatever the umask is', async () => {
    await using folder = await temporaryFolder();
    await chmod(folder.path, 0o755);
    const before = process.umask(0);
    try {
      await read({ home: folder.path });
    } finally {
      process.umask(before);
    }
    expect(await modeOf(join(folder.path, 'secret-key'))).toBe(0o600);
  });

  it('makes one key where several start at once', async () => {
    await using folder = await temporaryFolder();
    const all = await Promise.all(Array.from({ length: 8 }, () => read({ home: folder.path })));
    expect(new Set(all.map((keys) => textOf(keys?.current))).size).toBe(1);
    expect(await readdir(folder.path)).toEqual(['secret-key']);
  });

  it('makes none where nothing has to be stored', async () => {
    await using folder = await temporaryFolder();
    expect(await read({ home: folder.path, credentials: NOT_STORED })).toBeUndefined();
    expect(await readdir(folder.path)).toEqual([]);
  });

  it('never replaces a key file that it cannot use, and says what to do', async () => {
    await using folder = await temporaryFolder();
    const path = join(folder.path, 'secret-key');
    for (const [content, bytes] of [
      ['', 0],
      ['c2hvcnQ=\n', 5],
    ] as const) {
      await writeFile(path, content);
      const said = await refusalOf({ home: folder.path });
      expect(said).toContain(`${path}: does not hold 32 bytes in base64 (it has ${bytes})`);
      expect(said).toContain('bring the file back from a backup, or remove it and sign in again');
      expect(await readFile(path, 'utf8')).toBe(content);
    }
  });

  it('says so where the folder cannot be written', async () => {
    await using folder = await temporaryFolder();
    await writeFile(join(folder.path, 'home'), 'a file');
    await expect(read({ home: join(folder.path, 'home') })).rejects.toThrow(/EEXIST|ENOTDIR/);
  });

  it('uses the key of the environment where there is one, and leaves the file alone', async () => {
    await using folder = await temporaryFolder();
    const key = base64();
    const keys = await read({ home: folder.path, env: { PERDURE_SECRET_KEY: key } });
    expect(textOf(keys?.current)).toBe(key);
    expect(await readdir(folder.path)).toEqual([]);
  });
});

describe('a fleet', () => {
  it('is refused without a key where a token has to be stored: which one, and how to make the key', async () => {
    await using folder = await temporaryFolder();
    const home = join(folder.path, 'home');
    const said = await refusalOf({ home, fleet: true });
    expect(said).toContain('PERDURE_SECRET_KEY: is not set');
    expect(said).toContain('credentials.gateway');
    expect(said).toContain(
      'give all workers the same 32 bytes in base64 (openssl rand -base64 32)',
    );
    await expect(mkdir(home)).resolves.toBeUndefined();
    expect(await read({ home, fleet: true, credentials: NOT_STORED })).toBeUndefined();
  });

  it('takes the key of the environment, and those of before', async () => {
    const [current, one, two] = [base64(), base64(), base64()];
    const env = { PERDURE_SECRET_KEY: current, PERDURE_OLD_SECRET_KEYS: ` ${one}, ${two},` };
    const keys = (await read({ home: '/nowhere', fleet: true, env })) as SecretKeys;
    expect(textOf(keys.current)).toBe(current);
    expect(keys.old.map(textOf)).toEqual([one, two]);
  });

  it.each([
    ['PERDURE_SECRET_KEY', { PERDURE_SECRET_KEY: 'hunter2' }, 5],
    ['PERDURE_SECRET_KEY', { PERDURE_SECRET_KEY: base64(randomBytes(16)) }, 16],
    ['PERDURE_SECRET_KEY', { PERDURE_SECRET_KEY: randomBytes(32).toString('hex') }, 48],
    [
      'PERDURE_OLD_SECRET_KEYS',
      { PERDURE_SECRET_KEY: base64(), PERDURE_OLD_SECRET_KEYS: `${base64()},x` },
      0,
    ],
  ])(
    'names the variable whose key is malformed and does not show it: %s',
    async (name, env, bytes) => {
      const said = await refusalOf({ home: '/nowhere', fleet: true, env });
      expect(said).toContain(`${name}: is not 32 bytes in base64 (it has ${bytes})`);
      expect(said).toContain('openssl rand -base64 32');
      for (const value of Object.values(env)) expect(said).not.toContain(value);
    },
  );
});
