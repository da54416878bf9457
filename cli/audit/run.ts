/** What `perdure audit` does. */
import type { AuditAction } from '../../contracts/audit.ts';
import type { ConnectOptions } from '../connection-options.ts';
import { oneLine, printable, textTable } from '../format.ts';
import { printJson } from '../json-output.ts';
import { withClient } from '../one-command.ts';
import { upTo } from '../pages.ts';
import { toSecond } from '../times.ts';

export interface AuditOptions extends ConnectOptions {
  readonly action?: AuditAction;
  readonly limit: number;
  readonly json?: true;
}

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
    const items: readonly Entry[] = await upTo(limit, (page) =>
      client.call((trpc, call) => trpc.system.audit.query({ action, ...page }, call)),
    );
    if (json) return items.forEach(printJson);
    console.log(items.length > 0 ? auditTable(items) : 'Nothing stands in the audit.');
  });

const auditTable = (entries: readonly Entry[]): string =>
  textTable(
    ['AT (UTC)', 'USER', 'ACTION', 'SUBJECT', 'DETAILS'],
    entries.map(({ at, user, action, subject, details }) => [
      toSecond(at),
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
