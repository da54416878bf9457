/** Approvals as text for a terminal. */
import type { Approval } from '../../client/index.ts';
import { json, oneLine, printable, textTable } from '../format.ts';
import { toMinute } from '../times.ts';

export const approvalTable = (approvals: readonly Approval[]): string =>
  textTable(
    ['APPROVAL', 'TOOL', 'STATE', 'EXPIRES (UTC)', 'ARGUMENTS'],
    approvals.map(({ approvalId, name, outcome, expiresAt, arguments: input }) => [
      approvalId,
      printable(name),
      outcome ?? 'open',
      toMinute(expiresAt),
      oneLine(json(input), 60),
    ]),
  );

export function approvalDetails(approval: Approval): string {
  const { outcome, decidedBy, reason, rule, changedArguments, preview } = approval;
  const by = decidedBy === null ? '' : ` by ${decidedBy}`;
  const fields: readonly (readonly [string, string | null])[] = [
    ['approval', approval.approvalId],
    ['state', outcome === null ? 'open' : `${outcome}${by}`],
    ['tool', `${approval.name} (${approval.effect})`],
    ['session', approval.sessionId],
    ['call', approval.callId],
    ['asked by', reason === null ? rule : `${rule}: ${reason}`],
    ['expires', outcome === null ? approval.expiresAt : null],
    ['rejection', approval.rejection],
    ['arguments', JSON.stringify(approval.arguments, null, 2)],
    ['ran with', changedArguments === undefined ? null : JSON.stringify(changedArguments, null, 2)],
    ['preview', preview === null ? null : `\n${preview}`],
  ];
  return fields
    .filter(([, value]) => value !== null)
    .map(([name, value]) => `${name.padEnd(11)}${printable(value!)}`)
    .join('\n');
}
