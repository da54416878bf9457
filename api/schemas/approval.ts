import { z } from 'zod';
import { APPROVAL_OUTCOMES, approvalIdSchema } from '../../contracts/approvals.ts';
import { messageIdSchema, sessionIdSchema } from '../../contracts/events.ts';
import { callIdSchema, effectSchema, toolModeSchema } from '../../contracts/tools.ts';
import type { ApprovalRow } from '../../journal/port.ts';
import { time } from './session.ts';

export const approvalSchema = z
  .object({
    approvalId: approvalIdSchema,
    sessionId: sessionIdSchema,
    callId: callIdSchema,
    turn: messageIdSchema,
    step: z.number().int(),
    /** Of the tool. */
    name: z.string(),
    mode: toolModeSchema,
    effect: effectSchema,
    arguments: z.json().describe('As the model asked for them.'),
    preview: z
      .string()
      .nullable()
      .describe('What the call would do, where its tool can tell: a unified diff for edits.'),
    rule: z.string().describe('What asks, in words of perdure.yaml.'),
    reason: z.string().nullable().describe('Why it asks, where the rule says so.'),
    state: z.enum(['open', 'settled']),
    outcome: z.enum(APPROVAL_OUTCOMES).nullable(),
    decidedBy: z.string().nullable().describe('The user; null where nobody decided.'),
    changedArguments: z
      .json()
      .optional()
      .describe('What the call runs with, where a person changed its arguments.'),
    rejection: z.string().nullable().describe('What the model was told.'),
    createdAt: time,
    expiresAt: time,
    settledAt: time.nullable(),
  })
  .meta({ id: 'Approval' });
export type ApprovalView = z.infer<typeof approvalSchema>;

type Json = ApprovalView['arguments'];

export function approvalOf(row: ApprovalRow): ApprovalView {
  const { decision, tenant: _, user: __, inputSchema: ___, ...shown } = row;
  const changed = decision?.arguments;
  return {
    ...shown,
    arguments: JSON.parse(row.arguments) as Json,
    decidedBy: decision?.by ?? null,
    ...(changed === undefined ? {} : { changedArguments: JSON.parse(changed) as Json }),
    rejection: decision?.reason ?? null,
  };
}
