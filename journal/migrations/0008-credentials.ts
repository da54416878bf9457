/** Tokens that workers renew for each other, and which providers are left alone for a while. */
import type { SqlMigration } from './sql-migration.ts';

export const credentials: SqlMigration = {
  up: [
    `create table credentials (
       tenant text not null, name text not null, strategy text not null, secret text, expires_at bigint,
       version bigint not null, updated_at bigint not null, holder text, held_until bigint,
       primary key (tenant, name)
     )`,
    `create table breakers (
       key text primary key, state text not null, failures integer not null, opened_at bigint not null,
       probe text, probe_until bigint
     )`,
  ],
  down: [`drop table breakers`, `drop table credentials`],
};
