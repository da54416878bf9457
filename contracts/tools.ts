/** Tools: what a model may call, who answers, and what may be repeated. zod at run time: not for workflows, which take the types. */
import { z } from 'zod';
import { MAX_ANSWER_MESSAGE_CHARACTERS, TIME_LIMITS } from './limits.ts';
import { artifactRefSchema } from './content.ts';
import { ERROR_CODES } from './errors.ts';
import { idPattern } from './ids.ts';
import type { ApprovalId, CallId } from './ids.ts';

export const callIdSchema = z
  .string()
  .regex(new RegExp(idPattern('call')), 'expected a call id') as unknown as z.ZodType<
  CallId,
  string
>;

/** `read` may run again; `keyed` may run again with the call's id as idempotency key; `never-retry` runs at most once. */
export const effectSchema = z.enum(['read', 'keyed', 'never-retry']);
export type Effect = z.infer<typeof effectSchema>;

/**
 * Whether a person is asked before a call runs: `never`; `always`; `policy`, as the rules of `approvalPolicy` say. Absent is `policy`, and
 * where no rule matches a call it is allowed.
 */
export const approvalRuleSchema = z.enum(['never', 'always', 'policy']);
export type ApprovalRule = z.infer<typeof approvalRuleSchema>;

/** Who executes: a worker, whoever holds the session (a web page, a script), an MCP server, a remote runner. */
export const toolModeSchema = z.enum(['worker', 'client', 'mcp', 'remote']);
export type ToolMode = z.infer<typeof toolModeSchema>;

export const toolNameSchema = z
  .string()
  .regex(
    /^[A-Za-z][A-Za-z0-9_-]{0,63}$/,
    'expected a letter, then up to 63 letters, digits, "_" or "-"',
  );

/** A tool that a client answers, declared by an agent or at the start of a session. */
export const clientToolSchema = z.strictObject({
  name: toolNameSchema.describe('What the model calls it.'),
  description: z.string().min(1).max(4_000).describe('What it does, for the model.'),
  inputSchema: z
    .looseObject({ type: z.literal('object') })
    .describe('JSON Schema (2020-12) of the arguments, an object.'),
  effect: effectSchema
    .default('never-retry')
    .describe(
      "Whether it may run twice: `read` yes; `keyed` with the call's id; `never-retry` never.",
    ),
  timeoutMs: z
    .number()
    .int()
    .min(1_000)
    .max(TIME_LIMITS.commandMaxMs)
    .optional()
    .describe('From the claim to the result, milliseconds; `timeouts.toolResultMs` when absent.'),
  approval: approvalRuleSchema
    .optional()
    .describe(
      'Whether a person is asked before it runs; `policy` when absent. `never` is what `policy` is: whoever declares a tool may ask for more than the policy does, never for less.',
    ),
});
export type ClientTool = z.infer<typeof clientToolSchema>;

export const toolOutcomeSchema = z.enum([
  'completed',
  'failed',
  'rejected',
  'interrupted',
  'timed_out',
  'unknown',
]);
export type ToolOutcome = z.infer<typeof toolOutcomeSchema>;

export const errorInfoSchema = z.object({
  code: z.enum(ERROR_CODES),
  message: z.string(),
  retryable: z.boolean(),
});

/** How a tool call ended: a result (any JSON, or an artifact over 32 KiB) where it completed, an error otherwise. */
export const toolSettlementSchema = z.discriminatedUnion('outcome', [
  z.object({
    outcome: z.literal('completed'),
    result: z.json().optional(),
    artifact: artifactRefSchema.optional(),
  }),
  z.object({
    outcome: z.enum(['failed', 'rejected', 'interrupted', 'timed_out', 'unknown']),
    error: errorInfoSchema,
  }),
]);
export type ToolSettlement = z.infer<typeof toolSettlementSchema>;

/** Of a large result's text. */
export const MAX_RESULT_PREVIEW_CHARACTERS = 20_000;

/** What a client may answer a call with. */
export const toolAnswerSchema = z.discriminatedUnion('status', [
  z
    .strictObject({
      status: z.literal('completed'),
      result: z.json().optional(),
      /** Instead of a large result: what was uploaded before. */
      artifact: artifactRefSchema.optional(),
      /** Beside an artifact: what the model reads of it. */
      preview: z.string().max(MAX_RESULT_PREVIEW_CHARACTERS).optional(),
    })
    .refine(({ artifact, preview }) => preview === undefined || artifact !== undefined, {
      path: ['preview'],
      error: 'stands beside "artifact" only',
    })
    .refine(({ result, artifact }) => result === undefined || artifact === undefined, {
      path: ['artifact'],
      error: 'stands instead of "result": expected one of the two, not both',
    }),
  z.strictObject({
    /** `rejected`: whoever was to run it refused to; `unknown`: it was begun, and may or may not have taken effect. */
    status: z.enum(['failed', 'rejected', 'unknown']),
    message: z.string().min(1).max(MAX_ANSWER_MESSAGE_CHARACTERS),
  }),
]);
export type ToolAnswer = z.infer<typeof toolAnswerSchema>;

/** A call as the workflow sees it: never its arguments, which are in the ledger. */
export interface ToolCallRef {
  readonly callId: CallId;
  readonly name: string;
  readonly mode: ToolMode;
  readonly effect: Effect;
  readonly timeoutMs: number;
  /** A short form of the arguments for the Temporal UI, at most 120 characters. */
  readonly summary: string;
  /** Already settled in the step's own transaction: unknown tool, invalid arguments, denied by the policy. */
  readonly settled?: boolean | undefined;
  /** A person is asked first, and has `waitMs` milliseconds to decide. */
  readonly approval?: { readonly approvalId: ApprovalId; readonly waitMs: number } | undefined;
}
