/** What `perdure audit` does. */
import type { AuditAction } from '../../contracts/audit.ts';
import type { ConnectOptions } from '../connection-options.ts';
import { oneLine, printable, textTable } from '../format.ts';
import { printJson, withClient } from '../one-command.ts';

export interface AuditOptions extends ConnectOptions {
  readonly action?: AuditAction;
  readonly limit: number;
  readonly json?: true;
}

/** What the API gives at once. */
const MAX_PAGE = 200;
const DETAILS = 100;

interface Entry {
  readonly at: string;
  readonly user: string | null;
  readonly action: string;
  readonly subject: string | null;
  readonly details: Readonly<Record<string, string | number | boolean | null>>;
}

export const list = (options: AuditOptions): Promise<void> =>
  withClient(options, async (client) => {
    const { action, limit, json } = options;
    const items: Entry[] = [];
    let cursor: string | undefined;
    do {
      const page = await client.call((trpc, call) => {
        const size = Math.min(limit - items.length, MAX_PAGE);
        return trpc.system.audit.query({ action, cursor, limit: size }, call);
      });
      items.push(...page.items);
      cursor = page.nextCursor ?? undefined;
    } while (cursor && items.length < limit);
    if (json) return items.forEach(printJson);
    console.log(items.length > 0 ? auditTable(items) : 'Nothing stands in the audit.');
  });

const auditTable = (entries: readonly Entry[]): string =>
  textTable(
    ['AT (UTC)', 'USER', 'ACTION', 'SUBJECT', 'DETAILS'],
    entries.map(({ at, user, action, subject, details }) => [
      at.slice(0, 19).replace('T', ' '),
      printable(user ?? '–'),
      action,
      printable(subject ?? '–'),
      oneLine(detailsText(details), DETAILS),
    ]),
  );

const detailsText = (details: Entry['details']): string =>
  Object.entries(details)
    .filter(([, value]) => value !== null && value !== '')
    .map(([name, value]) => `${name}=${value}`)
    .join(' ');
