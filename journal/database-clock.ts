/** The time that all processes share: PostgreSQL's own, since the clocks of workers differ; SQLite has one process. */
import { sql } from 'kysely';
import type { RawBuilder } from 'kysely';
import type { Store } from './store.ts';

/** Epoch milliseconds. */
export const databaseNow = ({
  dialect,
  now,
}: Pick<Store, 'dialect' | 'now'>): RawBuilder<number> =>
  dialect === 'postgres'
    ? sql<number>`(extract(epoch from clock_timestamp()) * 1000)::bigint`
    : sql<number>`cast(${now()} as integer)`;
