/** One entry for the `migrate` command, whatever database is configured. */
import type { MigrationCommand, MigrationStatus } from './migrations/run.ts';
import { migratePostgres } from './postgres.ts';
import { migrateSqlite } from './sqlite.ts';

export type { MigrationCommand, MigrationStatus } from './migrations/run.ts';

export type MigrationTarget =
  { readonly file: string } | { readonly url: string; readonly schema?: string };

/**
 * `up` brings the database to this release, `down` takes the newest migration back, `empty` all of them with all data, `status` changes nothing.
 * @returns all migrations of this release, as they stand afterwards
 * @throws journal_unavailable where the database cannot be reached or a migration fails (its changes are rolled back)
 */
export const migrate = (
  target: MigrationTarget,
  command: MigrationCommand,
): Promise<readonly MigrationStatus[]> =>
  'file' in target ? migrateSqlite(target.file, command) : migratePostgres(target, command);
