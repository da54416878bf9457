import { join } from 'node:path';
import type { Settings } from '../../config/settings.ts';
import type { Journal } from '../../journal/port.ts';
import type { Logger } from '../../telemetry/log.ts';
import type { Batch, Metrics } from '../../telemetry/metrics.ts';
import { CommandFailed, EXIT } from '../exit-codes.ts';

/** The embedded journal's file. */
export const journalFile = ({ home }: Pick<Settings, 'home'>): string => join(home, 'journal.db');

export interface JournalParts {
  readonly log: Logger;
  readonly metrics?: Metrics | undefined;
}

/** @throws journal_unavailable, which names the other process where the file is locked */
export async function openJournal(
  settings: Settings,
  { log, metrics }: JournalParts,
): Promise<Journal> {
  const onBatch = metrics && ((batch: Batch) => metrics.batch(batch));
  const { url, poolSize, synchronous } = settings.journal;
  if (url !== undefined) {
    const { openPostgresJournal } = await import('../../journal/postgres.ts');
    return openPostgresJournal({ url, poolSize, log, onBatch });
  }
  const { openSqliteJournal } = await import('../../journal/sqlite.ts');
  return openSqliteJournal({ file: journalFile(settings), synchronous, log, onBatch });
}

/** @throws {CommandFailed} where the journal is the embedded one, which belongs to exactly one process */
export function requirePostgres(settings: Settings, command: string): void {
  if (settings.journal.url !== undefined) return;
  throw new CommandFailed(
    [
      `\`perdure ${command}\` on its own needs PostgreSQL: the embedded SQLite journal belongs to exactly one process.`,
      'Set PERDURE_DATABASE_URL=postgres://… (or journal.url in perdure.yaml) and run `npx perdure migrate`,',
      'or start everything in one process with `npx perdure up`.',
    ].join('\n'),
    EXIT.settings,
  );
}
