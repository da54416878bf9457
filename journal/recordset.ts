/** Many rows as one JSON parameter: the text of the statement stays the same however many there are, so that it is prepared once. */
import { CompiledQuery, sql } from 'kysely';
import type { RawBuilder } from 'kysely';
import { EACH_ROW } from './sqlite/statements.ts';
import type { Dialect, Rows } from './store.ts';
import type { Tables } from './tables.ts';

export type ColumnType = 'text' | 'bigint' | 'integer';
/** Name → type, in PostgreSQL's words. */
export type Columns = Readonly<Record<string, ColumnType>>;

/** A derived table `r` with `columns`, for a `from` clause. */
export function recordset(dialect: Dialect, rows: Rows, columns: Columns): RawBuilder<unknown> {
  const json = JSON.stringify(rows);
  const names = Object.keys(columns);
  if (dialect === 'postgres')
    return sql`json_to_recordset(${json}::json) as r(${sql.raw(typesOf(columns))})`;
  const fields = names.map((name) => `value->>'${name}' as ${name}`).join(', ');
  return sql`(select ${sql.raw(fields)} from json_each(${json})) as r`;
}

const typesOf = (columns: Columns): string =>
  Object.entries(columns)
    .map(([name, type]) => `${name} ${type}`)
    .join(', ');

/** The same where the rows are a statement's only parameter. PostgreSQL. */
const recordsetText = (columns: Columns): string =>
  `json_to_recordset($1::json) as r(${typesOf(columns)})`;

export interface Target {
  readonly table: keyof Tables;
  readonly columns: Columns;
  /** A row whose key is there already is replaced; without a key it is an error. */
  readonly key?: readonly string[];
}

/** Inserts (or replaces) the rows in one statement; none where there are no rows. */
export function writeRows(dialect: Dialect, rows: Rows, target: Target): CompiledQuery | undefined {
  if (rows.length === 0) return undefined;
  const names = Object.keys(target.columns);
  const insert = `insert into ${target.table} (${names.join(', ')})`;
  if (dialect === 'sqlite') {
    const places = names.map(() => '?').join(', ');
    return eachRow(`${insert} values (${places}) ${onConflict(target, names)}`, rows, names);
  }
  const from = recordsetText(target.columns);
  return CompiledQuery.raw(
    `${insert} select ${names.join(', ')} from ${from} ${onConflict(target, names)}`,
    [JSON.stringify(rows)],
  );
}

function onConflict({ key }: Target, names: readonly string[]): string {
  if (!key) return '';
  const others = names.filter((name) => !key.includes(name));
  const set = others.map((name) => `${name} = excluded.${name}`).join(', ');
  return `on conflict (${key.join(', ')}) do update set ${set}`;
}

/** Sets all columns but `key`, the first one, in the rows with these keys. */
export function updateRows(
  dialect: Dialect,
  rows: Rows,
  { table, columns }: Target,
): CompiledQuery | undefined {
  if (rows.length === 0) return undefined;
  const [key, ...names] = Object.keys(columns);
  if (dialect === 'sqlite') {
    const set = names.map((name) => `${name} = ?`).join(', ');
    return eachRow(`update ${table} set ${set} where ${key} = ?`, rows, [...names, key!]);
  }
  const set = names.map((name) => `${name} = r.${name}`).join(', ');
  return CompiledQuery.raw(
    `update ${table} t set ${set} from ${recordsetText(columns)} where t.${key} = r.${key}`,
    [JSON.stringify(rows)],
  );
}

function eachRow(statement: string, rows: Rows, names: readonly string[]): CompiledQuery {
  const values = (rows as readonly Record<string, unknown>[]).map((row) =>
    names.map((name) => row[name]),
  );
  return CompiledQuery.raw(`${EACH_ROW} ${statement}`, [JSON.stringify(values)]);
}
