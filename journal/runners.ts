/** Remote runners: one row for each name of an owner. What it offered last counts while it is away. */
import { deriveId } from '../contracts/ids.ts';
import { isSelected } from '../contracts/runner-selection.ts';
import type { RegisterRunner, RunnerLabels } from '../contracts/runners.ts';
import type { Owner, RunnerRow, Runners } from './port.ts';
import { reach, transact } from './store.ts';
import type { Store } from './store.ts';
import type { RunnersTable } from './tables.ts';

const rowOf = (record: RunnersTable): RunnerRow => ({
  runnerId: record.runner_id,
  tenant: record.tenant,
  user: record.user_id,
  name: record.name,
  instance: record.instance,
  shared: record.shared === 1,
  labels: JSON.parse(record.labels) as RunnerLabels,
  workdir: record.workdir,
  tools: JSON.parse(record.tools) as RunnerRow['tools'],
  version: record.version,
  registeredAt: new Date(record.registered_at).toISOString(),
  lastSeenAt: new Date(record.last_seen_at).toISOString(),
  gone: record.gone === 1,
});

const recordOf = (
  { tenant, user }: Owner,
  { name, instance, labels, workdir, tools, version }: RegisterRunner,
  now: number,
): RunnersTable => ({
  runner_id: deriveId('run', tenant, user, name),
  tenant,
  user_id: user,
  name,
  instance,
  shared: 0,
  labels: JSON.stringify(labels),
  workdir,
  tools: JSON.stringify(tools),
  version,
  registered_at: now,
  last_seen_at: now,
  gone: 0,
});

interface Heard extends Pick<RunnersTable, 'instance' | 'gone'> {
  readonly runnerId: RunnersTable['runner_id'];
}

export const runners = (store: Store): Runners => ({
  register: (owner, runner) => register(store, recordOf(owner, runner, store.now())),

  seen: (runnerId, instance) => heardOf(store, { runnerId, instance, gone: 0 }),
  left: (runnerId, instance) => heardOf(store, { runnerId, instance, gone: 1 }),

  async get(runnerId) {
    const record = await reach(store, (db) =>
      db.selectFrom('runners').selectAll().where('runner_id', '=', runnerId).executeTakeFirst(),
    );
    return record && rowOf(record);
  },

  list: (owner) => listed(store, owner),

  async selected(owner, selector) {
    const all = await listed(store, owner);
    const fitting = all.filter((runner) => isSelected(runner, selector));
    const own = (runner: RunnerRow): number => (runner.user === owner.user ? 0 : 1);
    return fitting.toSorted((a, b) => own(a) - own(b) || (a.lastSeenAt > b.lastSeenAt ? -1 : 1));
  },

  async share(runnerId, shared) {
    const record = await transact(store, (tx) =>
      tx
        .updateTable('runners')
        .set({ shared: shared ? 1 : 0 })
        .where('runner_id', '=', runnerId)
        .returningAll()
        .executeTakeFirst(),
    );
    return record && rowOf(record);
  },

  async remove(runnerId) {
    const gone = await transact(store, (tx) =>
      tx
        .deleteFrom('runners')
        .where('runner_id', '=', runnerId)
        .returning('runner_id')
        .executeTakeFirst(),
    );
    return gone !== undefined;
  },
});

async function register(
  store: Store,
  record: RunnersTable,
): Promise<{ row: RunnerRow; before: RunnersTable['instance'] | null }> {
  const { runner_id, tenant: _, user_id: __, shared: ___, ...said } = record;
  return transact(store, async (tx) => {
    const before = await tx
      .selectFrom('runners')
      .select('instance')
      .where('runner_id', '=', runner_id)
      .executeTakeFirst();
    const written = await tx
      .insertInto('runners')
      .values(record)
      .onConflict((conflict) => conflict.column('runner_id').doUpdateSet(said))
      .returningAll()
      .executeTakeFirstOrThrow();
    return { row: rowOf(written), before: before?.instance ?? null };
  });
}

/** Of the registered instance only: the one before must not speak for its successor. */
async function heardOf(
  store: Store,
  { runnerId, instance, gone }: Heard,
): Promise<RunnerRow | undefined> {
  const record = await transact(store, (tx) =>
    tx
      .updateTable('runners')
      .set({ last_seen_at: store.now(), gone })
      .where('runner_id', '=', runnerId)
      .where('instance', '=', instance)
      .returningAll()
      .executeTakeFirst(),
  );
  return record && rowOf(record);
}

async function listed(
  store: Store,
  { tenant, user }: Parameters<Runners['list']>[0],
): Promise<RunnerRow[]> {
  const records = await reach(store, (db) =>
    db
      .selectFrom('runners')
      .selectAll()
      .where('tenant', '=', tenant)
      .$if(user !== undefined, (all) =>
        all.where((eb) => eb.or([eb('user_id', '=', user!), eb('shared', '=', 1)])),
      )
      .orderBy('name')
      .orderBy('runner_id')
      .execute(),
  );
  return records.map(rowOf);
}
