/** Who did what to keys and doors. Only ever added to. */
import type { Audit, AuditEntry } from './port.ts';
import { keyBefore, pageOf } from './page.ts';
import { reach, transact } from './store.ts';
import type { Store } from './store.ts';
import type { AuditRecord } from './tables.ts';

const itemOf = (record: AuditRecord): AuditEntry & { at: string } => ({
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

  async list({ tenant }, page) {
    const records = await reach(store, (db) =>
      db
        .selectFrom('audit')
        .selectAll()
        .where('entry', '<', keyBefore(page))
        .$if(tenant !== undefined, (all) => all.where('tenant', '=', tenant!))
        .orderBy('entry', 'desc')
        .limit(page.limit + 1)
        .execute(),
    );
    return pageOf(records, page.limit, { key: (record) => record.entry, item: itemOf });
  },
});
