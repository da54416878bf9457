/** Who came in, who was refused, what was decided and changed. Added to, and removed when it is old; never changed. */
import type { Audit, AuditEntry, AuditItem } from './port.ts';
import { keyBefore, pageOf } from './page.ts';
import { reach, transact } from './store.ts';
import type { Store } from './store.ts';
import type { AuditRecord } from './tables.ts';

const itemOf = (record: AuditRecord): AuditItem => ({
  at: new Date(record.at).toISOString(),
  tenant: record.tenant,
  user: record.user_id,
  action: record.action,
  subject: record.subject,
  details: JSON.parse(record.details) as AuditEntry['details'],
});

export const audit = (store: Store): Audit => ({
  async write({ tenant, user, action, subject, details }) {
    const row = {
      at: store.now(),
      tenant,
      user_id: user,
      action,
      subject,
      details: JSON.stringify(details),
    };
    await transact(store, (tx) => tx.insertInto('audit').values(row).execute());
  },

  async list({ tenant, orNone = false, action }, page) {
    const records = await reach(store, (db) =>
      db
        .selectFrom('audit')
        .selectAll()
        .where('entry', '<', keyBefore(page))
        .$if(tenant !== undefined, (all) =>
          all.where((of) =>
            of.or([of('tenant', '=', tenant!), ...(orNone ? [of('tenant', 'is', null)] : [])]),
          ),
        )
        .$if(action !== undefined, (all) => all.where('action', '=', action!))
        .orderBy('entry', 'desc')
        .limit(page.limit + 1)
        .execute(),
    );
    return pageOf(records, page.limit, { key: (record) => record.entry, item: itemOf });
  },

  async prune({ olderThanMs, limit }) {
    const before = store.now() - olderThanMs;
    const { numDeletedRows } = await transact(store, (tx) =>
      tx
        .deleteFrom('audit')
        .where('at', '<', before)
        // They were written in this order: nothing reads the whole table each minute.
        .where('entry', 'in', (from) =>
          from.selectFrom('audit').select('entry').orderBy('entry').limit(limit),
        )
        .executeTakeFirstOrThrow(),
    );
    return Number(numDeletedRows);
  },
});
