/** The fleet's journal: one PostgreSQL database for any number of workers and APIs. */
import { setTimeout as delay } from 'node:timers/promises';
import { Kysely, PostgresDialect, sql } from 'kysely';
import pg from 'pg';
import { PerdureError } from '../contracts/perdure-error.ts';
import { createJournal } from './journal.ts';
import { migrateDatabase } from './migrations/run.ts';
import type { Migratable, MigrationCommand, MigrationStatus } from './migrations/run.ts';
import type { Journal } from './port.ts';
import { batchOn } from './postgres/batch.ts';
import { faultOf } from './postgres/faults.ts';
import { NotifyFeed } from './postgres/feed.ts';
import { explain, SILENT } from './store.ts';
import type { JournalLog, OnBatch, Store } from './store.ts';
import type { Tables } from './tables.ts';

export interface PostgresJournalOptions {
  /** `postgres://user:password@host:port/database` */
  readonly url: string;
  /** Where the tables are; `perdure` by default. */
  readonly schema?: string;
  /** Connections of this process, one for notifications not counted. */
  readonly poolSize: number;
  readonly log?: JournalLog;
  /** Told of every committed batch, for figures. */
  readonly onBatch?: OnBatch | undefined;
  /** Epoch milliseconds, instead of the database's clock; for tests that wait for leases. */
  readonly now?: () => number;
  /** How long the fate of a transaction is asked for whose connection broke while it was committed; 20 s by default. */
  readonly fateMs?: number;
}

const DEFAULT_SCHEMA = 'perdure';
const INT8 = 20;
/** A batch takes milliseconds: what takes longer than these is stuck, and holds locks that others wait for. */
const STATEMENT_MS = 10_000;
const LOCK_MS = 5_000;
const IDLE_IN_TRANSACTION_MS = 10_000;
const CONNECT_MS = 5_000;
/**
 * Every statement finds its rows by a key. A plan that a connection keeps was perhaps made while the tables were nearly empty, when
 * reading them whole looks cheaper.
 */
const BY_KEY = ['enable_seqscan=off', 'enable_hashjoin=off', 'enable_mergejoin=off'];
const FATE_MS = 20_000;
const FATE_RETRY_MS = 200;

/**
 * Opens a journal whose schema is up to date.
 * @throws journal_unavailable where the server cannot be reached or migrations are missing
 */
export async function openPostgresJournal(options: PostgresJournalOptions): Promise<Journal> {
  const store = openStore(options);
  try {
    await requireMigrations({ schema: DEFAULT_SCHEMA, ...options, ...store });
    return await createJournal(store);
  } catch (error) {
    await store.changes.close();
    await store.close();
    throw explain(store, error);
  }
}

/** Runs a migration command; `up` makes the schema too. @throws journal_unavailable */
export async function migratePostgres(
  { url, schema = DEFAULT_SCHEMA }: Pick<PostgresJournalOptions, 'url' | 'schema'>,
  command: MigrationCommand,
): Promise<readonly MigrationStatus[]> {
  const store = openStore({ url, schema, poolSize: 2 });
  try {
    return await migrateDatabase({ ...store, schema }, command);
  } catch (error) {
    throw explain(store, error);
  } finally {
    await store.close();
  }
}

async function requireMigrations(target: Migratable): Promise<void> {
  const missing = (await migrateDatabase(target, 'status')).filter(
    ({ executedAt }) => executedAt === null,
  );
  if (missing.length === 0) return;
  const names = missing.map(({ name }) => name).join(', ');
  throw new PerdureError(
    'journal_unavailable',
    `The journal's schema is not up to date (${names}): run \`perdure migrate\`.`,
  );
}

function openStore({
  url,
  schema = DEFAULT_SCHEMA,
  poolSize,
  log = SILENT,
  now,
  onBatch,
  fateMs = FATE_MS,
}: PostgresJournalOptions): Store {
  const pool = new pg.Pool({
    connectionString: url,
    max: poolSize,
    options: [`search_path=${schema}`, ...BY_KEY].map((setting) => `-c ${setting}`).join(' '),
    application_name: 'perdure journal',
    keepAlive: true,
    pipeline: true,
    connectionTimeoutMillis: CONNECT_MS,
    statement_timeout: STATEMENT_MS,
    lock_timeout: LOCK_MS,
    idle_in_transaction_session_timeout: IDLE_IN_TRANSACTION_MS,
    types: { getTypeParser: numbersForInt8 },
  });
  // Of a connection that nobody uses: the pool opens another one.
  pool.on('error', (error) =>
    log.warn({ error: error.message }, 'lost an idle connection to the journal'),
  );
  // The pool listens to idle connections only. One that dies in use fails its query, which says so; its event would end the process.
  pool.on('connect', (client) => client.on('error', () => undefined));
  const db = new Kysely<Tables>({ dialect: new PostgresDialect({ pool }) });
  const changes = new NotifyFeed({ url, schema, log });
  const committed = (transaction: string) => fateOf(pool, transaction, fateMs);
  return {
    dialect: 'postgres',
    db,
    reader: db,
    changes,
    log,
    now: now ?? Date.now,
    databaseClock: now === undefined,
    onBatch,
    faultOf,
    batch: batchOn(pool),
    // Writes nothing, and is refused all the same by a server that would refuse a write: a standby, or one set to read-only.
    writable: sql`update sessions set open = open where false`,
    committed,
    close: () => db.destroy(),
  };
}

/** All our numbers fit: keys, sequence numbers, milliseconds. */
function numbersForInt8(oid: number, format?: 'text' | 'binary'): (value: string) => unknown {
  return oid === INT8 ? Number : pg.types.getTypeParser(oid, format);
}

/** A server that takes its time (it may be starting again) is asked until it knows. */
async function fateOf(
  pool: pg.Pool,
  transaction: string,
  patienceMs: number,
): Promise<boolean | undefined> {
  const deadline = Date.now() + patienceMs;
  while (Date.now() < deadline) {
    const status = await pool
      .query<{ status: string }>('select pg_xact_status($1::xid8) as status', [transaction])
      .then(({ rows }) => rows[0]!.status)
      .catch(() => undefined);
    if (status === 'committed' || status === 'aborted') return status === 'committed';
    await delay(FATE_RETRY_MS);
  }
  return undefined;
}
