/** Many rows as one JSON parameter: the text of the statement stays the same however many there are, so that it is prepared once. */
import { sql } from 'kysely';
import type { RawBuilder } from 'kysely';
import type { Dialect, Tx } from './store.ts';
import type { Tables } from './tables.ts';

export type ColumnType = 'text' | 'bigint' | 'integer';
/** Name → type, in PostgreSQL's words. */
export type Columns = Readonly<Record<string, ColumnType>>;
type Rows = readonly object[];

/** A derived table `r` with `columns`, for a `from` clause. */
export function recordset(dialect: Dialect, rows: Rows, columns: Columns): RawBuilder<unknown> {
  const json = JSON.stringify(rows);
  const names = Object.keys(columns);
  if (dialect === 'postgres') {
    const types = names.map((name) => `${name} ${columns[name]}`).join(', ');
    return sql`json_to_recordset(${json}::json) as r(${sql.raw(types)})`;
  }
  const fields = names.map((name) => `value->>'${name}' as ${name}`).join(', ');
  return sql`(select ${sql.raw(fields)} from json_each(${json})) as r`;
}

export interface Target {
  readonly table: keyof Tables;
  readonly columns: Columns;
  /** A row whose key is there already is replaced; without a key it is an error. */
  readonly key?: readonly string[];
}

/** Inserts (or replaces) the rows in one statement. */
export async function writeRows(
  tx: Tx,
  dialect: Dialect,
  rows: Rows,
  target: Target,
): Promise<void> {
  if (rows.length === 0) return;
  const names = Object.keys(target.columns);
  const list = sql.raw(names.join(', '));
  const source = recordset(dialect, rows, target.columns);
  // `where true`: else SQLite takes `on conflict` for the condition of a join.
  await sql`insert into ${sql.table(target.table)} (${list}) select ${list} from ${source} where true ${onConflict(target, names)}`.execute(
    tx,
  );
}

function onConflict({ key }: Target, names: readonly string[]): RawBuilder<unknown> {
  if (!key) return sql``;
  const others = names.filter((name) => !key.includes(name));
  const set = others.map((name) => `${name} = excluded.${name}`).join(', ');
  return sql.raw(`on conflict (${key.join(', ')}) do update set ${set}`);
}
