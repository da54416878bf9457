/** Lets a worker know whether the transcript that it remembers has only grown. */
import type { SqlMigration } from './sql-migration.ts';

export const transcriptCuts: SqlMigration = {
  up: [`alter table sessions add column transcript_cuts bigint not null default 0`],
  down: [`alter table sessions drop column transcript_cuts`],
};
