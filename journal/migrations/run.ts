/** Brings a database to the schema of this release, or back. */
import type { Kysely } from 'kysely';
import { Migrator, NO_MIGRATIONS } from 'kysely/migration';
import { PerdureError } from '../../contracts/perdure-error.ts';
import { initial } from './0001-initial.ts';
import { openSessionsByKey } from './0002-open-sessions-by-key.ts';
import { transcriptCuts } from './0003-transcript-cuts.ts';
import { openCalls } from './0004-open-calls.ts';
import { approvals } from './0005-approvals.ts';
import { runners } from './0006-runners.ts';
import { mcpManifests } from './0007-mcp-manifests.ts';
import { credentials } from './0008-credentials.ts';
import { runnersThatLeft } from './0009-runners-that-left.ts';
import { inDialect } from './sql-migration.ts';
import type { Dialect } from '../store.ts';
import type { Tables } from '../tables.ts';

const MIGRATIONS = {
  '0001-initial': initial,
  '0002-open-sessions-by-key': openSessionsByKey,
  '0003-transcript-cuts': transcriptCuts,
  '0004-open-calls': openCalls,
  '0005-approvals': approvals,
  '0006-runners': runners,
  '0007-mcp-manifests': mcpManifests,
  '0008-credentials': credentials,
  '0009-runners-that-left': runnersThatLeft,
};

export interface MigrationStatus {
  readonly name: string;
  /** ISO 8601; null where it is still to be run. */
  readonly executedAt: string | null;
}

/** `up`: everything that is missing. `down`: the newest one back. `empty`: all of them back, with all data. `status`: changes nothing. */
export type MigrationCommand = 'up' | 'down' | 'empty' | 'status';

export interface Migratable {
  readonly db: Kysely<Tables>;
  readonly dialect: Dialect;
  /** PostgreSQL's; it is made where it is missing. */
  readonly schema?: string;
}

/**
 * @returns all migrations of this release, as they stand afterwards
 * @throws journal_unavailable where a migration fails (its changes are rolled back)
 */
export async function migrateDatabase(
  { db, dialect, schema }: Migratable,
  command: MigrationCommand,
): Promise<readonly MigrationStatus[]> {
  const migrator = new Migrator({
    db,
    // Kysely looks for its own tables in all schemas of the database unless it is told.
    ...(schema !== undefined && { migrationTableSchema: schema }),
    provider: { getMigrations: async () => migrationsOf(dialect) },
  });
  const run = {
    up: () => migrator.migrateToLatest(),
    down: () => migrator.migrateDown(),
    empty: () => migrator.migrateTo(NO_MIGRATIONS),
    status: async () => ({ error: undefined }),
  };
  const { error } = await run[command]();
  if (error !== undefined)
    throw new PerdureError(
      'journal_unavailable',
      `The migration failed: ${(error as Error).message}`,
      { cause: error },
    );
  const migrations = await migrator.getMigrations();
  return migrations.map(({ name, executedAt }) => ({
    name,
    executedAt: executedAt?.toISOString() ?? null,
  }));
}

const migrationsOf = (dialect: Dialect) =>
  Object.fromEntries(
    Object.entries(MIGRATIONS).map(([name, migration]) => [name, inDialect(migration, dialect)]),
  );
