/**
 * A key for whoever started the all-in-one process, in a file that only they can read: so that they can make the first key where the API asks for
 * one. It is no new power, since the embedded journal, in which keys could be written by hand, lies beside it. It is good for one start.
 */
import { randomBytes } from 'node:crypto';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Settings } from '../../config/settings.ts';
import { localUrl } from '../local-url.ts';

export interface OwnerKey {
  /** Of the API that takes it, as it is reached from this machine: the key is for nobody else. */
  readonly url: string;
  readonly key: string;
}

type Place = Pick<Settings, 'home'>;

const fileOf = ({ home }: Place): string => join(home, 'owner-key.json');

export const newKey = (): string => `pdk_${randomBytes(32).toString('base64url')}`;

export function writeOwnerKey(settings: Settings): OwnerKey & Disposable {
  const file = fileOf(settings);
  const owner = { url: localUrl(settings), key: newKey() };
  rmSync(file, { force: true });
  // Never into a file that somebody else has made.
  writeFileSync(file, JSON.stringify(owner), { flag: 'wx', mode: 0o600 });
  return { ...owner, [Symbol.dispose]: () => rmSync(file, { force: true }) };
}

/** Undefined where no such process runs, or another user started it. */
export function readOwnerKey(settings: Place): OwnerKey | undefined {
  try {
    return JSON.parse(readFileSync(fileOf(settings), 'utf8')) as OwnerKey;
  } catch {
    return undefined;
  }
}
