/** Approvals: a person says yes, no, or yes with other arguments to one call of a tool. zod at run time: not for workflows, which take the types. */
import { z } from 'zod';
import { deriveId, idPattern } from './ids.ts';
import type { ApprovalId, CallId, SessionId } from './ids.ts';

export const approvalIdSchema = z
  .string()
  .regex(new RegExp(idPattern('apr')), 'expected an approval id') as unknown as z.ZodType<
  ApprovalId,
  string
>;

export const APPROVAL_OUTCOMES = ['approved', 'rejected', 'expired', 'withdrawn'] as const;
/** `expired`: nobody decided in time. `withdrawn`: the turn ended first. */
export type ApprovalOutcome = (typeof APPROVAL_OUTCOMES)[number];

const MAX_REASON_CHARACTERS = 2_000;

/** What a person decides. */
export const approvalDecisionSchema = z.strictObject({
  decision: z.enum(['approve', 'reject']),
  arguments: z
    .record(z.string(), z.json())
    .optional()
    .describe(
      'With `approve`: run with these instead of what the model asked for; checked as its own arguments were.',
    ),
  reason: z
    .string()
    .min(1)
    .max(MAX_REASON_CHARACTERS)
    .optional()
    .describe('With `reject`: what the model is told.'),
  decisionId: z
    .string()
    .min(1)
    .max(200)
    .optional()
    .describe("The client's own id, so that a repeat is the same decision; or an Idempotency-Key."),
});
export type ApprovalDecision = z.infer<typeof approvalDecisionSchema>;

/** The same for the same call with the same arguments (JSON text): a decision can mean nothing else than what was shown. */
export const approvalIdOf = (sessionId: SessionId, callId: CallId, input: string): ApprovalId =>
  deriveId('apr', sessionId, callId, input);
