/** Many rows as one JSON parameter: the text of the statement stays the same however many there are, so that it is prepared once. */
import { CompiledQuery, sql } from 'kysely';
import type { RawBuilder } from 'kysely';
import { EACH_ROW } from './sqlite/statements.ts';
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

/** A transaction, and whose SQL it speaks. */
export interface Writing {
  readonly tx: Tx;
  readonly dialect: Dialect;
}

/** Inserts (or replaces) the rows in one statement. */
export async function writeRows(
  { tx, dialect }: Writing,
  rows: Rows,
  target: Target,
): Promise<void> {
  if (rows.length === 0) return;
  const names = Object.keys(target.columns);
  const insert = `insert into ${target.table} (${names.join(', ')})`;
  if (dialect === 'sqlite') {
    const places = names.map(() => '?').join(', ');
    return eachRow(tx, `${insert} values (${places}) ${onConflict(target, names)}`, {
      rows,
      names,
    });
  }
  const source = recordset(dialect, rows, target.columns);
  await sql`${sql.raw(insert)} select ${sql.raw(names.join(', '))} from ${source} ${sql.raw(onConflict(target, names))}`.execute(
    tx,
  );
}

function onConflict({ key }: Target, names: readonly string[]): string {
  if (!key) return '';
  const others = names.filter((name) => !key.includes(name));
  const set = others.map((name) => `${name} = excluded.${name}`).join(', ');
  return `on conflict (${key.join(', ')}) do update set ${set}`;
}

/** Sets all columns but `key`, the first one, in the rows with these keys. */
export async function updateRows(
  { tx, dialect }: Writing,
  rows: Rows,
  { table, columns }: Target,
): Promise<void> {
  if (rows.length === 0) return;
  const [key, ...names] = Object.keys(columns);
  if (dialect === 'sqlite') {
    const set = names.map((name) => `${name} = ?`).join(', ');
    return eachRow(tx, `update ${table} set ${set} where ${key} = ?`, {
      rows,
      names: [...names, key!],
    });
  }
  const set = names.map((name) => `${name} = r.${name}`).join(', ');
  const source = recordset(dialect, rows, columns);
  await sql`update ${sql.table(table)} t set ${sql.raw(set)} from ${source} where ${sql.raw(`t.${key} = r.${key}`)}`.execute(
    tx,
  );
}

interface Each {
  readonly rows: Rows;
  readonly names: readonly string[];
}

async function eachRow(tx: Tx, statement: string, { rows, names }: Each): Promise<void> {
  const values = (rows as readonly Record<string, unknown>[]).map((row) =>
    names.map((name) => row[name]),
  );
  await tx.executeQuery(CompiledQuery.raw(`${EACH_ROW} ${statement}`, [JSON.stringify(values)]));
}
