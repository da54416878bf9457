/** Keys through the API where one runs (the embedded journal belongs to it), else straight in the journal. */
import { createHash, randomBytes } from 'node:crypto';
import type { Settings } from '../../config/settings.ts';
import { newId } from '../../contracts/ids.ts';
import type { KeyId } from '../../contracts/ids.ts';
import { PerdureError } from '../../contracts/perdure-error.ts';
import type { Journal, KeyRow, Role } from '../../journal/port.ts';
import { createLog } from '../../telemetry/log.ts';
import { CommandFailed } from '../exit-codes.ts';
import { openJournal } from '../process/journal.ts';
import { localUrl } from '../local-url.ts';

export interface NewKey {
  readonly tenant?: string | undefined;
  readonly user: string;
  readonly role: Role;
  readonly label: string;
}

export interface KeyStore extends AsyncDisposable {
  /** @returns the row and the key itself, which nobody can read again */
  create(key: NewKey): Promise<KeyRow & { readonly key: string }>;
  list(): Promise<readonly KeyRow[]>;
  revoke(keyId: KeyId): Promise<void>;
}

/** The tenant of whoever starts Perdure on their own machine; the API has the same. */
const LOCAL_TENANT = 'local';

export async function openKeyStore(settings: Settings): Promise<KeyStore> {
  try {
    const log = createLog({ level: 'silent', service: 'keys' });
    return journalKeys(await openJournal(settings, { log }));
  } catch (error) {
    const inUse = error instanceof PerdureError && settings.journal.url === undefined;
    if (!inUse) throw error;
    return apiKeys(settings);
  }
}

function journalKeys(journal: Journal): KeyStore {
  const audit = (action: string, row: Pick<KeyRow, 'tenant' | 'keyId'>): Promise<void> =>
    journal.audit.write({
      tenant: row.tenant,
      user: null,
      action,
      subject: row.keyId,
      details: { by: 'perdure keys' },
    });
  return {
    async create({ tenant = LOCAL_TENANT, user, role, label }) {
      const key = `pdk_${randomBytes(32).toString('base64url')}`;
      const hash = createHash('sha256').update(key).digest('hex');
      const row = await journal.keys.insert(
        { keyId: newId('key'), tenant, user, role, label },
        hash,
      );
      await audit('key.created', row);
      return { ...row, key };
    },
    list: () => journal.keys.list(),
    async revoke(keyId) {
      const row = await journal.keys.revoke(keyId);
      if (!row) throw unknownKey(keyId);
      await audit('key.revoked', row);
    },
    [Symbol.asyncDispose]: () => journal.close(),
  };
}

const unknownKey = (keyId: KeyId): CommandFailed =>
  new CommandFailed(`There is no key ${keyId} that could be revoked.`);

function apiKeys(settings: Settings): KeyStore {
  const base = process.env['PERDURE_URL'] ?? localUrl(settings);
  const key = process.env['PERDURE_KEY'];
  const request = async <T>(method: string, path: string, body?: object): Promise<T> => {
    const response = await fetch(`${base}/api/keys${path}`, {
      method,
      headers: {
        ...(body && { 'content-type': 'application/json' }),
        ...(key && { authorization: `Bearer ${key}` }),
      },
      ...(body && { body: JSON.stringify(body) }),
    }).catch((error: unknown) => {
      throw new CommandFailed(`The API at ${base} does not answer: ${(error as Error).message}`, 4);
    });
    const answer = (await response.json()) as { detail?: string; title?: string };
    if (!response.ok) throw new CommandFailed(answer.detail ?? answer.title ?? 'refused');
    return answer as T;
  };
  return {
    create: (input) => request('POST', '', input),
    list: async () => (await request<{ keys: readonly KeyRow[] }>('GET', '')).keys,
    revoke: async (keyId) => void (await request('DELETE', `/${keyId}`)),
    [Symbol.asyncDispose]: async () => {},
  };
}
