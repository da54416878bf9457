// Lists of approvals are found by an index, however many there are, on both dialects.
import {
  DummyDriver,
  Kysely,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
} from 'kysely';
import { describe, expect, test } from 'vitest';
import { listedApprovals, openApprovals } from '../../journal/approvals.ts';
import type { ApprovalFilter } from '../../journal/port.ts';
import type { Tables } from '../../journal/tables.ts';
import { postgres, sqlite } from './support/dialects.ts';
import type { Dialect } from './support/dialects.ts';

/** Only writes queries down. */
const WRITERS: Record<Dialect['name'], Kysely<Tables>> = {
  sqlite: new Kysely({
    dialect: {
      createAdapter: () => new SqliteAdapter(),
      createDriver: () => new DummyDriver(),
      createIntrospector: (db) => new SqliteIntrospector(db),
      createQueryCompiler: () => new SqliteQueryCompiler(),
    },
  }),
  postgres: new Kysely({
    dialect: {
      createAdapter: () => new PostgresAdapter(),
      createDriver: () => new DummyDriver(),
      createIntrospector: (db) => new PostgresIntrospector(db),
      createQueryCompiler: () => new PostgresQueryCompiler(),
    },
  }),
};

const numbers = (most: number): string =>
  `with recursive n(i) as (select 1 union all select i + 1 from n where i < ${most})`;

/** 400 sessions of 200 users in 100 tenants; 40,000 approvals, of which 40 are open. */
const ROWS = [
  `insert into sessions (id, tenant, user_id, digest, created_at, open, state, last_seq, kept_from, updated_at, details, request)
   ${numbers(400)} select 'ses_' || i, 'tenant' || (i % 100), 'user' || (i % 200), '', i, 1, 'waiting', 0, 0, i, '{}', '{}' from n`,
  `insert into approvals (approval_id, session_key, call_id, turn, step, name, mode, effect, arguments, input_schema, rule, state,
     created_at, expires_at, tenant, user_id)
   ${numbers(40_000)} select 'apr_' || i, 1 + i % 400, 'call_' || i, 'msg_' || i, 1, 'ask', 'client', 'read', '{}', '{}', 'a rule',
     case when i % 1000 = 0 then 'open' else 'settled' end, i, i, 'tenant' || ((1 + i % 400) % 100), 'user' || ((1 + i % 400) % 200) from n`,
  'analyze',
];

const BASE = { tenant: 'tenant1' };
const FILTERS: readonly [what: string, filter: ApprovalFilter, index: RegExp][] = [
  ['all of a tenant', BASE, /approvals_by_tenant/],
  ['the open ones of a tenant', { ...BASE, state: 'open' }, /open_approvals/],
  ['the settled ones of a tenant', { ...BASE, state: 'settled' }, /approvals_by_tenant/],
  ['all of a user', { ...BASE, user: 'user1' }, /approvals_by_user/],
  [
    'the open ones of a user',
    { ...BASE, user: 'user1', state: 'open' },
    /open_approvals|approvals_by_user/,
  ],
  ['the settled ones of a user', { ...BASE, user: 'user1', state: 'settled' }, /approvals_by_user/],
  [
    'the open ones of a session',
    { ...BASE, sessionId: 'ses_1', state: 'open' },
    /approvals_by_session|open_approvals/,
  ],
];

describe.each<Dialect>([sqlite, postgres])('on $name', (dialect) => {
  test('lists of approvals, and the count of open ones, look at rows that they need only', async () => {
    await using database = await dialect.database();
    await (await database.open()).close();
    for (const statement of ROWS) await database.execute(statement);
    const writer = WRITERS[dialect.name];
    for (const [what, filter, index] of FILTERS)
      for (const cursor of [undefined, '15000']) {
        const query = listedApprovals(writer, filter, { limit: 50, cursor });
        const plan = await database.explain(query.compile());
        expect(plan, what).toMatch(index);
        expect(plan, what).not.toMatch(/Seq Scan on approvals|SCAN approvals/);
        // A tenant's come newest first from the index itself; what one user has, or what is open, may be sorted.
        if (filter.user === undefined && filter.state !== 'open')
          expect(plan, what).not.toMatch(/Sort|TEMP B-TREE/);
      }
    const counted = await database.explain(openApprovals(writer).compile());
    expect(counted).toMatch(/open_approvals/);
    expect(counted).not.toMatch(/Seq Scan/);
  });
});
