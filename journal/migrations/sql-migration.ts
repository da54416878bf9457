/** A migration as SQL for both dialects, with the few words in braces that they spell differently. */
import { CompiledQuery } from 'kysely';
import type { Migration } from 'kysely/migration';
import type { Dialect } from '../store.ts';

export interface SqlMigration {
  readonly up: readonly string[];
  readonly down: readonly string[];
}

const WORDS: Record<Dialect, Record<string, string>> = {
  sqlite: {
    serial: 'integer primary key autoincrement',
    bytes: 'blob',
    roomy: '',
    // The rows lie in the order of the key, instead of behind an index.
    clustered: 'without rowid',
  },
  postgres: {
    serial: 'bigint generated always as identity primary key',
    bytes: 'bytea',
    roomy: 'with (fillfactor = 70)',
    clustered: '',
  },
};

/** @returns the migration in Kysely's form */
export function inDialect(migration: SqlMigration, dialect: Dialect): Migration {
  const run =
    (statements: readonly string[]): Migration['up'] =>
    async (db) => {
      for (const statement of statements) {
        const sql = statement.replaceAll(/\{(\w+)\}/g, (_, word: string) => WORDS[dialect][word]!);
        await db.executeQuery(CompiledQuery.raw(sql));
      }
    };
  return { up: run(migration.up), down: run(migration.down) };
}
