import { z } from 'zod';
import { messageIdSchema, sessionIdSchema } from '../../contracts/events.ts';
import { runnerSelectorSchema } from '../../contracts/runners.ts';
import { callIdSchema, effectSchema, toolModeSchema } from '../../contracts/tools.ts';
import type { LedgerCall } from '../../journal/port.ts';
import { time } from './session.ts';

export const pendingCallSchema = z
  .object({
    callId: callIdSchema,
    sessionId: sessionIdSchema,
    turn: messageIdSchema,
    step: z.number().int(),
    name: z.string(),
    mode: toolModeSchema,
    effect: effectSchema,
    arguments: z.json(),
    runner: runnerSelectorSchema
      .nullable()
      .describe('Of a remote call: which runners may claim it.'),
    state: z.enum(['held', 'requested', 'running', 'offered', 'leased', 'answered', 'settled']),
    holder: z.string().nullable(),
    dueAt: time.nullable(),
    leaseEndsAt: time.nullable(),
    claimable: z.boolean().describe('It may be claimed now.'),
    timeoutMs: z.number().int(),
    attempts: z.number().int().describe('How often it was claimed.'),
    dueInMs: z
      .number()
      .int()
      .nullable()
      .describe('Left for the result of a claimed call; for callers whose clock may be wrong.'),
    createdAt: time,
  })
  .meta({ id: 'ToolCall' });
export const leaseMsSchema = z
  .number()
  .int()
  .describe('A claim lasts so long; renewing it or reporting progress begins it anew.');
export type PendingCall = z.infer<typeof pendingCallSchema>;

/** The ledger keeps the arguments as text. */
export const pendingCallOf = (call: LedgerCall): PendingCall => ({
  ...call,
  arguments: JSON.parse(call.arguments) as PendingCall['arguments'],
});
