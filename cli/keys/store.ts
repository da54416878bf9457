/** Keys through the API where one runs (the embedded journal belongs to it), else straight in the journal. */
import { createHash } from 'node:crypto';
import { clientEnvironment } from '../../config/client-environment.ts';
import type { Settings } from '../../config/settings.ts';
import type { AuditAction } from '../../contracts/audit.ts';
import { newId } from '../../contracts/ids.ts';
import type { KeyId } from '../../contracts/ids.ts';
import { PerdureError } from '../../contracts/perdure-error.ts';
import type { Journal, KeyRow, Role } from '../../journal/port.ts';
import { createLog } from '../../telemetry/log.ts';
import { connect } from '../connect.ts';
import type { ConnectOptions } from '../connection-options.ts';
import { CommandFailed, EXIT } from '../exit-codes.ts';
import { openJournal } from '../process/journal.ts';
import { localUrl } from '../local-url.ts';
import { newKey, readOwnerKey } from './owner-key.ts';

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
  const audit = (
    action: AuditAction,
    { keyId: subject, tenant, ...row }: KeyRow,
  ): Promise<void> => {
    const { user, role, label } = row;
    const details = { by: 'perdure keys', tenant, user, role, label };
    return journal.audit.write({ tenant, user: null, action, subject, details });
  };
  return {
    async create({ tenant = LOCAL_TENANT, user, role, label }) {
      const key = newKey();
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
  new CommandFailed(`There is no key ${keyId} that could be revoked.`, EXIT.notFound);

/** Not repeated where the connection breaks: each time would be another key. */
const NO_RETRY_MS = 0;

/** What the person names wins; the owner's key is sent to the process that wrote it and to no other address. */
function apiOf(settings: Settings): ConnectOptions {
  const url = process.env['PERDURE_URL']?.trim() || undefined;
  const owner = clientEnvironment(process.env).key ? undefined : readOwnerKey(settings);
  const isOwners = owner !== undefined && (url ?? owner.url) === owner.url;
  return isOwners ? owner : { url: url ?? localUrl(settings) };
}

function apiKeys(settings: Settings): KeyStore {
  const client = connect(apiOf(settings), NO_RETRY_MS);
  return {
    create: (key) => client.call((trpc, call) => trpc.key.create.mutate(key, call)),
    list: async () =>
      (await client.call((trpc, call) => trpc.key.list.query(undefined, call))).keys,
    revoke: async (keyId) =>
      void (await client.call((trpc, call) => trpc.key.revoke.mutate({ keyId }, call))),
    [Symbol.asyncDispose]: async () => client.close(),
  };
}
