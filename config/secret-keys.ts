/** The keys that secrets are encrypted with at rest: from the environment, or from a file of the embedded mode's own. */
import { randomBytes, randomUUID } from 'node:crypto';
import { link, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { SecretKeys } from '../contracts/credentials.ts';
import { SettingsError } from './problems.ts';
import type { SecretLookup } from './secrets.ts';
import type { Settings } from './settings.ts';

export const SECRET_KEY = 'PERDURE_SECRET_KEY';
export const OLD_SECRET_KEYS = 'PERDURE_OLD_SECRET_KEYS';
const KEY_BYTES = 32;
/** Beside the embedded journal: whoever can read the one can read the other. */
const FILE_NAME = 'secret-key';

/**
 * Undefined where no key is set and none is needed. The embedded mode makes one where a credential has to be stored.
 * @throws {SettingsError} where a key is malformed, or missing in a fleet, whose workers must all have the same
 */
export async function readSecretKeys(
  settings: Pick<Settings, 'home' | 'journal' | 'credentials'>,
  secrets: SecretLookup,
): Promise<SecretKeys | undefined> {
  const old = (secrets(OLD_SECRET_KEYS) ?? '')
    .split(',')
    .map((text) => text.trim())
    .filter((text) => text !== '')
    .map((text) => keyFrom(text, OLD_SECRET_KEYS));
  const given = secrets(SECRET_KEY);
  if (given !== undefined) return { current: keyFrom(given, SECRET_KEY), old };
  const stored = Object.entries(settings.credentials).find(([, { strategy }]) =>
    strategy.startsWith('oauth2-'),
  );
  if (!stored) return undefined;
  if (settings.journal.url === undefined) return { current: await ownKey(settings.home), old };
  throw wrong(
    SECRET_KEY,
    `is not set, but the tokens of credentials.${stored[0]} are kept encrypted with it: give all workers the same 32 bytes in base64 (openssl rand -base64 32)`,
  );
}

const wrong = (path: string, message: string): SettingsError =>
  new SettingsError([{ path, message }]);

function keyFrom(text: string, source: string): Uint8Array {
  const key = Buffer.from(text, 'base64');
  if (key.length === KEY_BYTES) return key;
  throw wrong(
    source,
    `is not ${KEY_BYTES} bytes in base64 (it has ${key.length}); make one with: openssl rand -base64 32`,
  );
}

async function ownKey(home: string): Promise<Uint8Array> {
  const path = join(home, FILE_NAME);
  await mkdir(home, { recursive: true, mode: 0o700 });
  const text = (await contentOf(path)) ?? (await makeKeyFile(path));
  const key = Buffer.from(text, 'base64');
  if (key.length === KEY_BYTES) return key;
  throw wrong(
    path,
    `does not hold ${KEY_BYTES} bytes in base64 (it has ${key.length}): bring the file back from a backup, or remove it and sign in again, because no other key opens the stored tokens`,
  );
}

async function contentOf(path: string): Promise<string | undefined> {
  try {
    return (await readFile(path, 'utf8')).trim();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** It appears whole or not at all, and never over another one: what was encrypted with that could not be read any more. */
async function makeKeyFile(path: string): Promise<string> {
  const draft = `${path}.${randomUUID()}`;
  await writeFile(draft, `${randomBytes(KEY_BYTES).toString('base64')}\n`, {
    flag: 'wx',
    mode: 0o600,
    flush: true,
  });
  try {
    await link(draft, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    await rm(draft, { force: true });
  }
  return (await readFile(path, 'utf8')).trim();
}
