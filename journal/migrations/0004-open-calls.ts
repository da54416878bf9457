/** Lets a seal charge the call that it cuts off. */
import type { SqlMigration } from './sql-migration.ts';

export const openCalls: SqlMigration = {
  up: [`alter table steps add column open_call text`],
  down: [`alter table steps drop column open_call`],
};
