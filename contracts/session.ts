/** A session as clients, API and journal speak of it. zod at run time: not for workflows, which take the types. */
import { z } from 'zod';
import { contentSchema } from './content.ts';
import { declaredToolsSchema } from './declared-tools.ts';
import { messageIdSchema, sessionIdSchema } from './events.ts';
import type { ApprovalId, MessageId, SessionId } from './ids.ts';
import { runnerSelectorSchema } from './runners.ts';
import { BUSY_POLICIES } from './session-state.ts';
import type { EndReason, SessionState } from './session-state.ts';
import { limitsSchema } from './settings.ts';
import type { ErrorInfo } from './errors.ts';
import type { Spend } from './usage.ts';

export const contextNameSchema = z.string().min(1).max(200);

export const startSessionSchema = z.strictObject({
  /** The client's own id, so that a repeat is the same session. */
  sessionId: sessionIdSchema.optional(),
  agent: z.string().max(100).optional(),
  model: z.string().max(100).optional(),
  /** Absolute path of the folder that the workspace tools may read. Without keys (loopback) the folder of the start when absent. */
  workspace: z.string().max(4_096).optional(),
  context: contextNameSchema.optional(),
  title: z.string().max(200).optional(),
  externalId: z.string().max(200).optional(),
  message: contentSchema.optional(),
  messageId: messageIdSchema.optional(),
  tools: declaredToolsSchema.optional(),
  limits: limitsSchema.optional(),
  /** Whose tools the session is offered, instead of its agent's `runner`. */
  runner: runnerSelectorSchema.optional(),
});
export type StartSessionInput = z.infer<typeof startSessionSchema>;

export const sendMessageSchema = z.strictObject({
  content: contentSchema,
  /** The client's own id, so that a repeat is the same message. */
  messageId: messageIdSchema.optional(),
  policy: z.enum(BUSY_POLICIES).default('enqueue'),
  reopen: z.boolean().default(false),
});
export type SentMessage = z.output<typeof sendMessageSchema>;

export const queueEditSchema = z.discriminatedUnion('action', [
  z.strictObject({
    action: z.literal('edit'),
    messageId: messageIdSchema,
    content: contentSchema,
  }),
  z.strictObject({ action: z.literal('remove'), messageId: messageIdSchema }),
  z.strictObject({
    action: z.literal('move'),
    messageId: messageIdSchema,
    position: z.number().int().min(0),
  }),
  /** Joins the running turn at its next step. */
  z.strictObject({ action: z.literal('steer'), messageId: messageIdSchema }),
]);
export type QueueEdit = z.infer<typeof queueEditSchema>;

/** A session as lists and look-ups show it: a projection, from the journal. Times are ISO 8601. */
export interface SessionView {
  readonly sessionId: SessionId;
  readonly state: SessionState;
  readonly endReason: EndReason | null;
  readonly error: ErrorInfo | null;
  readonly agent: string;
  readonly model: string;
  /** The one of its start, else how its first message begins (up to 80 characters). */
  readonly title: string | null;
  readonly context: string | null;
  readonly workspace: string | null;
  readonly externalId: string | null;
  /** Id of the open turn. */
  readonly turn: MessageId | null;
  readonly queued: number;
  readonly turns: number;
  readonly spend: Spend;
  readonly lastSeq: number;
  readonly createdAt: string;
  readonly updatedAt: string;
  readonly startedAt: string | null;
  readonly endedAt: string | null;
}

/** A message that waits for its turn. */
export interface QueuedMessage {
  readonly messageId: MessageId;
  readonly policy: 'enqueue' | 'steer';
}

export interface OpenApproval {
  readonly approvalId: ApprovalId;
  /** Of the tool. */
  readonly name: string;
}

/** The workflow's own answer to the query `status`. */
export interface LiveStatus {
  readonly state: SessionState;
  readonly turn: MessageId | null;
  readonly step: number;
  readonly queued: number;
  readonly pendingCalls: readonly string[];
  /** About which a person is asked; those of them that nobody has decided. */
  readonly openApprovals: readonly OpenApproval[];
  readonly model: string;
  readonly spend: Spend;
  readonly turns: number;
  /** When the idle timer ends the session, ISO 8601; null while a turn is open. */
  readonly idleEndsAt: string | null;
  readonly lifetimeEndsAt: string;
}
