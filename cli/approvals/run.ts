/** What the `approvals` commands do. */
import type { ApprovalDecision } from '../../client/index.ts';
import { parseId } from '../../contracts/ids.ts';
import { printJson } from '../json-output.ts';
import { withClient } from '../one-command.ts';
import { upTo } from '../pages.ts';
import type { ConnectOptions } from '../connection-options.ts';
import { approvalDetails, approvalTable } from './format.ts';

export interface OneOptions extends ConnectOptions {
  readonly json?: true;
}
export interface ListOptions extends OneOptions {
  readonly state?: 'open' | 'settled';
  readonly session?: string;
  readonly limit: number;
}
export interface ApproveOptions extends OneOptions {
  readonly args?: ApprovalDecision['arguments'];
}
export interface RejectOptions extends OneOptions {
  readonly reason?: string;
}

export const list = (options: ListOptions): Promise<void> =>
  withClient(options, async ({ approvals }) => {
    const { state, session, limit, json } = options;
    const sessionId = session === undefined ? undefined : parseId(session, 'ses');
    const items = await upTo(limit, async (page) => {
      const { approvals: found, nextCursor } = await approvals.list({ state, sessionId, ...page });
      return { items: found, nextCursor };
    });
    if (json) return items.forEach(printJson);
    console.log(items.length > 0 ? approvalTable(items) : 'Nothing waits for an approval.');
  });

export const show = (id: string, options: OneOptions): Promise<void> =>
  withClient(options, async ({ approvals }) => {
    const found = await approvals.get(id);
    if (options.json) return printJson(found);
    console.log(approvalDetails(found));
  });

export const approve = (id: string, options: ApproveOptions): Promise<void> =>
  decide(id, options, {
    decision: 'approve',
    ...(options.args === undefined ? {} : { arguments: options.args }),
  });

export const reject = (id: string, options: RejectOptions): Promise<void> =>
  decide(id, options, {
    decision: 'reject',
    ...(options.reason === undefined ? {} : { reason: options.reason }),
  });

const decide = (id: string, options: OneOptions, decision: ApprovalDecision): Promise<void> =>
  withClient(options, async ({ approvals }) => {
    const decided = await approvals.decide(id, decision);
    if (options.json) return printJson(decided);
    const changed = decided.changedArguments === undefined ? '' : ' with other arguments';
    console.log(`${decided.name} is ${decided.outcome}${changed}.`);
  });
