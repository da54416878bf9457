/** The time that all processes share: PostgreSQL's own, since the clocks of APIs and workers differ; SQLite has one process. */
import { sql } from 'kysely';
import type { RawBuilder } from 'kysely';
import type { Store } from './store.ts';

/** Epoch milliseconds. */
export const databaseNow = ({
  databaseClock,
  now,
}: Pick<Store, 'databaseClock' | 'now'>): RawBuilder<number> =>
  databaseClock
    ? sql<number>`(extract(epoch from clock_timestamp()) * 1000)::bigint`
    : sql<number>`cast(${now()} as bigint)`;

/** The same for conditions: read once for all rows, so that an index may be used. */
export const databaseNowOnce = (store: Pick<Store, 'databaseClock' | 'now'>): RawBuilder<number> =>
  sql<number>`(select ${databaseNow(store)})`;
