/** Runners that said that they end: they are away at once, not only when they have not been heard of for a while. */
import type { SqlMigration } from './sql-migration.ts';

export const runnersThatLeft: SqlMigration = {
  up: [`alter table runners add column gone integer not null default 0`],
  down: [`alter table runners drop column gone`],
};
