/**
 * The one event schema for SSE, WebSocket and polling: a fact, introduced once and settled once.
 * zod at run time: not for workflows, which take the types.
 */
import { z } from 'zod';
import { LASTING_FAILURES, PASSING_FAILURES, STRATEGIES } from './authentication.ts';
import { approvalIdSchema } from './approvals.ts';
import { artifactRefSchema, partSchema } from './content.ts';
import { idPattern } from './ids.ts';
import type { MessageId, SessionId } from './ids.ts';
import { BUSY_POLICIES, END_REASONS, SESSION_STATES } from './session-state.ts';
import { effectSchema, errorInfoSchema, toolModeSchema, toolSettlementSchema } from './tools.ts';

export const messageIdSchema = z
  .string()
  .regex(new RegExp(idPattern('msg')), 'expected a message id') as unknown as z.ZodType<
  MessageId,
  string
>;
export const sessionIdSchema = z
  .string()
  .regex(new RegExp(idPattern('ses')), 'expected a session id') as unknown as z.ZodType<
  SessionId,
  string
>;
const callId = z.string();
const policy = z.enum(BUSY_POLICIES);

export const usageSchema = z.object({
  inputTokens: z.number(),
  outputTokens: z.number(),
  cachedInputTokens: z.number(),
  reasoningTokens: z.number(),
});

export const turnOutcomeSchema = z.enum([
  'completed',
  'failed',
  'interrupted',
  'limit_exceeded',
  'budget_exhausted',
]);
export type TurnOutcome = z.infer<typeof turnOutcomeSchema>;

export const contentKindSchema = z.enum(['text', 'reasoning']);
export type ContentKind = z.infer<typeof contentKindSchema>;

const turnSettled = z.discriminatedUnion('outcome', [
  z.object({
    outcome: z.enum(['completed', 'interrupted']),
    usage: usageSchema,
    costUsd: z.number(),
  }),
  z.object({
    outcome: z.enum(['failed', 'limit_exceeded', 'budget_exhausted']),
    usage: usageSchema,
    costUsd: z.number(),
    error: errorInfoSchema,
  }),
]);

const modelSettled = z.discriminatedUnion('outcome', [
  z.object({ outcome: z.literal('completed'), finishReason: z.string() }),
  z.object({ outcome: z.literal('interrupted') }),
  z.object({ outcome: z.literal('failed'), error: errorInfoSchema }),
]);

const signIn = {
  /** Name under credentials. */
  credential: z.string(),
  strategy: z.enum(STRATEGIES).optional(),
  /** No reason holds a secret. */
  attempts: z.array(
    z.object({
      number: z.number().int(),
      kind: z.enum(['succeeded', ...PASSING_FAILURES, ...LASTING_FAILURES]),
      reason: z.string(),
    }),
  ),
};
const authSettled = z.discriminatedUnion('outcome', [
  z.object({ ...signIn, outcome: z.literal('succeeded') }),
  z.object({ ...signIn, outcome: z.literal('failed'), error: errorInfoSchema }),
]);

const approval = { approvalId: approvalIdSchema, callId };

const approvalSettled = z.discriminatedUnion('outcome', [
  /** The arguments only where the person changed them. */
  z.object({
    ...approval,
    outcome: z.literal('approved'),
    by: z.string(),
    arguments: z.json().optional(),
    artifact: artifactRefSchema.optional(),
  }),
  z.object({
    ...approval,
    outcome: z.literal('rejected'),
    by: z.string(),
    reason: z.string().optional(),
  }),
  z.object({ ...approval, outcome: z.enum(['expired', 'withdrawn']) }),
]);

/** Event type → its data. */
export const EVENT_DATA = {
  'session.created': z.object({
    agent: z.string(),
    model: z.string(),
    workspace: z.string().nullable(),
    context: z.string().nullable(),
  }),
  'session.state': z.object({ state: z.enum(SESSION_STATES) }),
  /** `withdrawn` where activity came in time; `endsAt` is when the session would end, ISO 8601. */
  'session.warning': z.object({
    reason: z.enum(['idle', 'lifetime']),
    endsAt: z.string(),
    withdrawn: z.boolean(),
  }),
  'session.ended': z.object({
    reason: z.enum(END_REASONS),
    error: errorInfoSchema.optional(),
    /** It was reopened while it ended: it goes on at once. */
    reopening: z.boolean().optional(),
  }),
  'session.reopened': z.object({}),
  'context.changed': z.object({ context: z.string().nullable() }),

  'message.accepted': z.object({
    messageId: messageIdSchema,
    content: z.array(partSchema),
    policy,
  }),
  'message.queued': z.object({
    messageId: messageIdSchema,
    content: z.array(partSchema),
    policy,
  }),
  /** Only what changed is there; `position` counts from 0 in the queue. */
  'message.edited': z.object({
    messageId: messageIdSchema,
    content: z.array(partSchema).optional(),
    policy: policy.optional(),
    position: z.number().int().optional(),
  }),
  'message.removed': z.object({ messageId: messageIdSchema }),
  'message.rejected': z.object({
    messageId: messageIdSchema,
    error: errorInfoSchema,
  }),

  'turn.started': z.object({}),
  'turn.settled': turnSettled,

  'model.started': z.object({ provider: z.string(), model: z.string() }),
  'content.delta': z.object({ kind: contentKindSchema, text: z.string() }),
  /** The whole text of one content block; it replaces the deltas of its attempt and kind. Over 32 KiB a reference. */
  'content.completed': z.object({
    kind: contentKindSchema,
    text: z.string().optional(),
    artifact: artifactRefSchema.optional(),
  }),
  'model.settled': modelSettled,
  /** `nextAt` is when the next attempt starts, ISO 8601; `failures` counts those charged to the provider. */
  'model.retrying': z.object({
    error: errorInfoSchema,
    failures: z.number().int(),
    nextAt: z.string(),
  }),
  'model.switched': z.object({
    from: z.string(),
    to: z.string(),
    reason: z.enum(['fallback', 'requested']),
  }),

  /** `held`: a person is asked first, and nobody can claim it before; `approval.opened` follows. */
  'tool.requested': z.object({
    callId,
    name: z.string(),
    mode: toolModeSchema,
    effect: effectSchema,
    held: z.boolean().optional(),
    arguments: z.json().optional(),
    artifact: artifactRefSchema.optional(),
  }),
  'tool.started': z.object({ callId, runner: z.string().optional() }),
  'tool.progress': z.object({
    callId,
    message: z.string(),
    fraction: z.number().min(0).max(1).optional(),
  }),
  'tool.settled': z.intersection(z.object({ callId, name: z.string() }), toolSettlementSchema),

  /** Signing in to a provider, or renewing what it takes, on behalf of this session. */
  'auth.settled': authSettled,
  /** `rule` is what asks, in words of perdure.yaml; `preview` what the call would do, a unified diff for edits; `expiresAt` ISO 8601. */
  'approval.opened': z.object({
    ...approval,
    name: z.string(),
    arguments: z.json().optional(),
    artifact: artifactRefSchema.optional(),
    preview: z.string().optional(),
    rule: z.string(),
    reason: z.string().optional(),
    expiresAt: z.string(),
  }),
  'approval.settled': approvalSettled,
  /** What a program says beside its answer, bounded a message. */
  'command.output': z.object({ stream: z.enum(['stdout', 'stderr']), text: z.string() }),
  /**
   * The program that answers in this session: `ready` takes messages; `terminated` is gone, with its directory. `conversation` is the program's
   * own id of what was said, where a later one can go on with it.
   */
  'program.state': z.object({
    provider: z.string(),
    state: z.enum(['ready', 'terminated']),
    reason: z.enum(['ended', 'lost', 'drained']).optional(),
    conversation: z.string().optional(),
  }),

  /** What attempt `attempt` of the envelope's step streamed is void. */
  'attempt.superseded': z.object({ attempt: z.number().int() }),
  'context.compacted': z.object({
    beforeTokens: z.number(),
    afterTokens: z.number(),
    throughMessage: z.string(),
  }),
  'usage.recorded': z.object({
    provider: z.string(),
    model: z.string(),
    usage: usageSchema,
    costUsd: z.number(),
    /** The provider did not say: our own count of what was sent to it and came from it, which errs on the high side. */
    estimated: z.boolean().optional(),
  }),
} as const satisfies Record<string, z.ZodType>;

export type EventType = keyof typeof EVENT_DATA;
export const EVENT_TYPES = Object.keys(EVENT_DATA) as EventType[];
export type EventData<T extends EventType = EventType> = z.infer<(typeof EVENT_DATA)[T]>;

/** Version of the envelope; raised only when a field changes its meaning. */
export const EVENT_VERSION = 1;

export const envelopeSchema = z.object({
  v: z.literal(EVENT_VERSION),
  sessionId: sessionIdSchema,
  /** Position in the session's log, from 1, rising in commit order; pruning may leave holes. */
  seq: z.number().int().positive(),
  /** Id of the message that opened the turn. */
  turn: messageIdSchema.optional(),
  /** Model step in the turn, from 1. */
  step: z.number().int().positive().optional(),
  /** Attempt of the step, from 1, in the order of the claims. */
  attempt: z.number().int().positive().optional(),
  /** Time of the commit, ISO 8601 with milliseconds. */
  at: z.string(),
});
export type Envelope = z.infer<typeof envelopeSchema>;

/** An event in a session's log. */
export type PerdureEvent = {
  [T in EventType]: Envelope & { type: T; data: EventData<T> };
}[EventType];
export type EventOf<T extends EventType> = Extract<PerdureEvent, { type: T }>;

/** What a writer hands to the journal: the journal adds number, time and envelope. */
export type NewEvent = {
  [T in EventType]: { type: T; data: EventData<T> };
}[EventType];

const variants = EVENT_TYPES.map((type) =>
  z.object({
    ...envelopeSchema.shape,
    type: z.literal(type),
    data: EVENT_DATA[type],
  }),
);
/** Validates one event of any type. */
export const eventSchema = z.discriminatedUnion(
  'type',
  variants as [(typeof variants)[number], ...typeof variants],
) as unknown as z.ZodType<PerdureEvent>;
