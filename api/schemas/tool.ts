import { z } from 'zod';
import { messageIdSchema, sessionIdSchema } from '../../contracts/events.ts';
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
    state: z.enum(['requested', 'running', 'offered', 'leased', 'answered', 'settled']),
    holder: z.string().nullable(),
    dueAt: time.nullable(),
    leaseEndsAt: time.nullable(),
    timeoutMs: z.number().int(),
    createdAt: time,
  })
  .meta({ id: 'ToolCall' });
export type PendingCall = z.infer<typeof pendingCallSchema>;

/** The ledger keeps the arguments as text. */
export const pendingCallOf = (call: LedgerCall): PendingCall => ({
  ...call,
  arguments: JSON.parse(call.arguments) as PendingCall['arguments'],
});
