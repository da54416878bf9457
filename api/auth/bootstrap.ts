/** Decides, before anything listens, whether callers without a key may be let in. */
import { readFile } from 'node:fs/promises';
import type { Logger } from 'pino';
import { newId } from '../../contracts/ids.ts';
import { SettingsError } from '../../config/problems.ts';
import type { Journal } from '../../journal/port.ts';
import type { ApiSettings } from '../deps.ts';
import { hashSecret, isSecret } from './secret.ts';
import { LOCAL_OWNER } from './principal.ts';

export const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '::1' || host === '[::1]' || /^127(\.\d{1,3}){3}$/.test(host);

type Api = ApiSettings['api'];

/** The first key from its file, so that a fleet can be started without a person. Does nothing where a key exists. */
export async function readBootstrapKey(api: Api, journal: Journal, log: Logger): Promise<void> {
  if (!api.bootstrapKeyFile || (await journal.keys.count()) > 0) return;
  const secret = (await readFile(api.bootstrapKeyFile, 'utf8')).trim();
  if (!isSecret(secret))
    throw wrong(
      'bootstrapKeyFile',
      `is ${api.bootstrapKeyFile}, which does not hold a key: expected "pdk_" and 43 characters of base64url, ` +
        'such as: echo pdk_$(openssl rand -base64 32 | tr +/ -_ | tr -d =)',
    );
  const { tenant, user, role } = LOCAL_OWNER;
  const row = { keyId: newId('key'), tenant, user, role, label: 'bootstrap' };
  await insertOnce(journal, row, hashSecret(secret));
  log.info({ keyId: row.keyId }, 'first key taken from api.bootstrapKeyFile');
}

/** Two API processes may start at once: the loser finds the other's row. */
async function insertOnce(
  journal: Journal,
  row: Parameters<Journal['keys']['insert']>[0],
  hash: string,
): Promise<void> {
  try {
    await journal.keys.insert(row, hash);
  } catch (error) {
    if (!(await journal.keys.findByHash(hash))) throw error;
    return;
  }
  await journal.audit.write({
    tenant: row.tenant,
    user: null,
    action: 'key.created',
    subject: row.keyId,
    details: {
      by: 'api.bootstrapKeyFile',
      tenant: row.tenant,
      user: row.user,
      role: row.role,
      label: row.label,
    },
  });
}

/** @throws where the API would be open to strangers */
export async function refuseOpenDoor(api: Api, journal: Journal): Promise<void> {
  if (isLoopback(api.host)) return;
  if ((await journal.keys.count()) > 0) return;
  throw wrong(
    'host',
    `The API will not listen on ${api.host} without a key, because everybody who reaches it could use it. ` +
      'Create one (npx perdure keys create --role operator), or name a file with one in api.bootstrapKeyFile ' +
      '(PERDURE_BOOTSTRAP_KEY_FILE), or listen on 127.0.0.1.',
  );
}

const wrong = (setting: keyof Api, message: string): SettingsError =>
  new SettingsError([{ path: `api.${setting}`, message }]);
