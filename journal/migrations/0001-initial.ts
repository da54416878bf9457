/** The tables of the first release. A released migration is never edited: add the next one. */
import type { SqlMigration } from './sql-migration.ts';

export const initial: SqlMigration = {
  up: [
    // The projection is rewritten with every commit: room in the page keeps PostgreSQL from touching an index.
    `create table sessions (
       key {serial}, id text not null unique, tenant text not null, user_id text not null, digest text not null,
       context text, external_id text, created_at bigint not null, open integer not null, state text not null,
       last_seq bigint not null, kept_from bigint not null, updated_at bigint not null,
       details text not null, request text not null
     ) {roomy}`,
    `create index sessions_by_tenant on sessions (tenant, key)`,
    `create index sessions_by_user on sessions (tenant, user_id, key)`,
    `create index sessions_by_external_id on sessions (tenant, external_id) where external_id is not null`,
    `create index open_sessions on sessions (tenant, user_id) where open = 1`,

    `create table events (
       session_key bigint not null, seq bigint not null, type text not null, turn text, step integer, attempt integer,
       at bigint not null, data text not null, fact text,
       primary key (session_key, seq)
     ) {clustered}`,
    `create unique index facts on events (session_key, fact) where fact is not null`,

    `create table steps (
       session_key bigint not null, turn text not null, step integer not null, state text not null,
       scheduled_at bigint not null, temporal_attempt integer not null, number integer not null,
       input_digest text not null, charged integer not null, interruptions integer not null,
       model_index integer not null, last_error text, accounted integer not null,
       claimed_seq bigint not null, spend text not null, result text,
       primary key (session_key, turn, step)
     ) {clustered}`,

    `create table messages (
       session_key bigint not null, id text not null, role text not null, position bigint not null,
       turn text, step integer, at bigint not null, body text not null,
       primary key (session_key, id)
     )`,
    `create index transcript on messages (session_key, position)`,

    `create table tool_calls (
       call_id text primary key, session_key bigint not null, turn text not null, step integer not null,
       name text not null, mode text not null, effect text not null, arguments text not null,
       timeout_ms bigint not null, created_at bigint not null, state text not null, outcome text, settlement text,
       digest text, answered_at bigint, holder text, due_at bigint, lease_ends_at bigint,
       scheduled_at bigint not null, temporal_attempt integer not null, attempts integer not null
     )`,
    `create index open_calls on tool_calls (session_key, turn) where state <> 'settled'`,
    `create index answered_calls on tool_calls (answered_at) where state = 'answered'`,
    `create index due_calls on tool_calls (due_at) where state = 'leased'`,

    `create table settled_turns (
       session_key bigint not null, turn text not null, first_seq bigint not null, last_seq bigint not null,
       settled_at bigint not null,
       primary key (session_key, last_seq)
     )`,
    `create index settled_turns_by_time on settled_turns (settled_at)`,

    `create table artifacts (
       tenant text not null, artifact text not null, media_type text not null, name text, bytes bigint not null,
       content {bytes} not null, user_id text not null, created_at bigint not null,
       primary key (tenant, artifact)
     )`,
    `create table contexts (
       tenant text not null, user_id text not null, context text not null, session_id text, updated_at bigint not null,
       primary key (tenant, user_id, context)
     )`,
    `create table keys (
       key_id text primary key, hash text not null unique, tenant text not null, user_id text not null,
       role text not null, label text not null, created_at bigint not null, revoked_at bigint, last_used_at bigint
     )`,
    `create table audit (
       entry {serial}, at bigint not null, tenant text, user_id text, action text not null, subject text,
       details text not null
     )`,
    `create index audit_by_tenant on audit (tenant, entry)`,
  ],
  down: [
    'audit',
    'keys',
    'contexts',
    'artifacts',
    'settled_turns',
    'tool_calls',
    'messages',
    'steps',
    'events',
    'sessions',
  ].map((table) => `drop table ${table}`),
};
