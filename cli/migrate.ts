// `perdure migrate`: the journal's schema and Temporal's search attributes.
import type { Command } from 'commander';
import type { Settings } from '../config/settings.ts';
import { PerdureError } from '../contracts/perdure-error.ts';
import type { MigrationStatus } from '../journal/migrations/run.ts';
import { CommandFailed, EXIT } from './exit-codes.ts';
import { printJson, withJson } from './json-output.ts';
import { endWithReader } from './output.ts';

interface MigrateOptions {
  readonly down?: true;
  readonly journalOnly?: true;
  readonly json?: true;
}

export function registerMigrate(program: Command): void {
  withJson(program.command('migrate'))
    .description("Bring the journal's schema up to date and register Temporal's search attributes.")
    .option('--down', 'take the newest migration of the journal back')
    .option('--journal-only', 'leave Temporal alone')
    .action(run);
}

async function run(options: MigrateOptions): Promise<void> {
  endWithReader();
  const { readSettings } = await import('./settings.ts');
  const settings = await readSettings({ localModels: null });
  const migrations = await migrateJournal(settings, options.down ? 'down' : 'up');
  const added = options.down || options.journalOnly ? [] : await register(settings);
  if (options.json) return printJson({ migrations, searchAttributesAdded: added });
  for (const { name, executedAt } of migrations)
    console.log(`${executedAt === null ? 'not run' : 'run    '}  ${name}`);
  if (added.length > 0) console.log(`Registered with Temporal: ${added.join(', ')}`);
}

async function migrateJournal(
  settings: Settings,
  command: 'up' | 'down',
): Promise<readonly MigrationStatus[]> {
  const { url } = settings.journal;
  try {
    if (url !== undefined) {
      const { migratePostgres } = await import('../journal/postgres.ts');
      return await migratePostgres({ url }, command);
    }
    const { migrateSqlite } = await import('../journal/sqlite.ts');
    const { journalFile } = await import('./process/journal.ts');
    return await migrateSqlite(journalFile(settings), command);
  } catch (error) {
    const { message } = error as Error;
    const isOurs = error instanceof PerdureError;
    throw new CommandFailed(isOurs ? message : `The journal: ${message}`, EXIT.unavailable);
  }
}

async function register(settings: Settings): Promise<readonly string[]> {
  const { environmentSecrets } = await import('../config/secrets.ts');
  const { connectTemporal } = await import('./process/temporal.ts');
  const { registerSearchAttributes } = await import('../servers/search-attributes.ts');
  try {
    const connection = await connectTemporal(settings, environmentSecrets());
    try {
      return await registerSearchAttributes(connection, settings.temporal.namespace);
    } finally {
      await connection.close();
    }
  } catch (error) {
    const { address } = settings.temporal;
    const hint = 'Start it, set TEMPORAL_ADDRESS, or use --journal-only.';
    throw new CommandFailed(
      `Temporal at ${address}: ${(error as Error).message} ${hint}`,
      EXIT.unavailable,
    );
  }
}
