/** Calls that a person has to approve before they run. */
import type { SqlMigration } from './sql-migration.ts';

export const approvals: SqlMigration = {
  up: [
    `create table approvals (
       key {serial}, approval_id text not null unique, session_key bigint not null, call_id text not null, turn text not null,
       step integer not null, name text not null, mode text not null, effect text not null, arguments text not null,
       input_schema text not null, preview text, rule text not null, reason text, state text not null, outcome text,
       decision text, created_at bigint not null, expires_at bigint not null, settled_at bigint,
       tenant text not null, user_id text not null
     )`,
    `create index approvals_by_session on approvals (session_key, key)`,
    `create index approvals_by_tenant on approvals (tenant, key)`,
    `create index approvals_by_user on approvals (tenant, user_id, key)`,
    `create index open_approvals on approvals (tenant, key) where state = 'open'`,
    `alter table tool_calls add column edited integer not null default 0`,
  ],
  down: [`drop table approvals`, `alter table tool_calls drop column edited`],
};
