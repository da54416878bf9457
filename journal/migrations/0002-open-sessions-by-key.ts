/** Lets the API find sessions whose start was left half-way without looking at those that have ended. */
import type { SqlMigration } from './sql-migration.ts';

export const openSessionsByKey: SqlMigration = {
  // Not by state, which changes several times a turn: an index on it would be rewritten each time.
  up: [`create index open_sessions_by_key on sessions (key) where open = 1`],
  down: [`drop index open_sessions_by_key`],
};
