/** Remote runners, and which of them may execute a call. */
import type { SqlMigration } from './sql-migration.ts';

export const runners: SqlMigration = {
  up: [
    `create table runners (
       runner_id text primary key, tenant text not null, user_id text not null, name text not null,
       instance text not null, shared integer not null, labels text not null, workdir text not null,
       tools text not null, version text not null, registered_at bigint not null, last_seen_at bigint not null
     )`,
    `create unique index runners_by_name on runners (tenant, user_id, name)`,
    `alter table tool_calls add column runner text`,
    `create index remote_calls on tool_calls (session_key) where mode = 'remote' and state <> 'settled'`,
  ],
  down: [
    `drop index remote_calls`,
    `alter table tool_calls drop column runner`,
    `drop table runners`,
  ],
};
