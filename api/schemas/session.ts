/** What the session procedures answer, as zod: OpenAPI is made from it, and what it does not name never leaves the API. */
import { z } from 'zod';
import { artifactRefSchema, partSchema } from '../../contracts/content.ts';
import {
  eventSchema,
  messageIdSchema,
  sessionIdSchema,
  turnOutcomeSchema,
  usageSchema,
} from '../../contracts/events.ts';
import { approvalIdSchema } from '../../contracts/approvals.ts';
import type { LiveStatus, SessionView } from '../../contracts/session.ts';
import { END_REASONS, SESSION_STATES } from '../../contracts/session-state.ts';
import { limitsSchema } from '../../contracts/settings.ts';
import { errorInfoSchema } from '../../contracts/tools.ts';
import type { TranscriptMessage } from '../../contracts/transcript.ts';
import type { EventPage } from '../../journal/port.ts';
import { documented } from './documented.ts';

export const time = z.iso.datetime().describe('ISO 8601.');
const stateSchema = z.enum(SESSION_STATES);

export const spendSchema = z.object({
  usage: usageSchema,
  costUsd: z.number().describe('US dollars.'),
});

export const sessionViewSchema = z
  .object({
    sessionId: sessionIdSchema,
    user: z.string(),
    state: stateSchema,
    endReason: z.enum(END_REASONS).nullable(),
    error: errorInfoSchema.nullable(),
    agent: z.string(),
    model: z.string(),
    title: z.string().nullable(),
    context: z.string().nullable(),
    workspace: z.string().nullable(),
    externalId: z.string().nullable(),
    turn: messageIdSchema.nullable(),
    queued: z.number().int(),
    turns: z.number().int(),
    spend: spendSchema,
    lastSeq: z.number().int().describe('Number of the last event.'),
    createdAt: time,
    updatedAt: time,
    startedAt: time.nullable(),
    endedAt: time.nullable(),
  })
  .meta({ id: 'Session' }) satisfies z.ZodType<SessionView>;

export const liveStatusSchema = z
  .object({
    state: stateSchema,
    turn: messageIdSchema.nullable(),
    step: z.number().int(),
    queued: z.number().int(),
    pendingCalls: z.array(z.string()).readonly(),
    openApprovals: z
      .array(z.object({ approvalId: approvalIdSchema, name: z.string().describe('Of the tool.') }))
      .readonly()
      .describe('What a person is asked about now.'),
    model: z.string(),
    spend: spendSchema,
    turns: z.number().int(),
    idleEndsAt: z.string().nullable(),
    lifetimeEndsAt: z.string(),
  })
  .meta({ id: 'LiveStatus' }) satisfies z.ZodType<LiveStatus>;

export const sessionDetailSchema = sessionViewSchema
  .extend({
    limits: z
      .object(limitsSchema.shape)
      .required()
      .describe('What it asked for at its start or since, its agent and the configuration say.'),
    live: liveStatusSchema.optional().describe("The workflow's own answer, where it was asked."),
    liveError: errorInfoSchema
      .optional()
      .describe('Why the workflow did not answer: the rest is from the journal alone.'),
  })
  .meta({ id: 'SessionDetail' });

export const commandedSchema = z
  .object({ sessionId: sessionIdSchema, state: stateSchema })
  .meta({ id: 'SessionCommandAccepted' });

export const startedSchema = z
  .object({
    sessionId: sessionIdSchema,
    state: stateSchema,
    messageId: messageIdSchema.optional(),
  })
  .meta({ id: 'SessionStarted' });

export const replySchema = z
  .object({
    turn: messageIdSchema,
    outcome: turnOutcomeSchema,
    text: z
      .string()
      .describe('The whole answer; of several steps, the last. Empty where it is in `artifact`.'),
    artifact: artifactRefSchema.optional().describe('Of an answer over 1 MiB.'),
    ...spendSchema.shape,
    error: errorInfoSchema.optional(),
  })
  .meta({ id: 'Reply' });

export const sentSchema = z
  .object({
    sessionId: sessionIdSchema,
    messageId: messageIdSchema,
    state: stateSchema,
    reply: replySchema
      .optional()
      .describe('With `wait`, where the turn settled in time (status 200).'),
  })
  .meta({ id: 'MessageSent' });

const rowShape = {
  id: z.string(),
  position: z.number().int(),
  turn: messageIdSchema,
  step: z.number().int(),
  at: time,
};
const transcriptMessageSchema = z.discriminatedUnion('role', [
  z.object({ ...rowShape, role: z.literal('user'), content: z.array(partSchema) }),
  z.object({
    ...rowShape,
    role: z.literal('assistant'),
    content: z.array(z.looseObject({ type: z.enum(['text', 'reasoning', 'tool-call']) })),
    partial: z.boolean(),
  }),
  z.object({
    ...rowShape,
    role: z.literal('tool'),
    callId: z.string(),
    name: z.string(),
    settlement: z.looseObject({ outcome: z.string() }),
    arguments: z
      .json()
      .optional()
      .describe('What it ran with, where a person had changed the arguments.'),
  }),
  z.object({
    ...rowShape,
    role: z.literal('summary'),
    text: z.string(),
    through: z.number().int(),
  }),
]);

export interface TranscriptPage {
  readonly messages: readonly TranscriptMessage[];
  /** Ask again with this as `after`; null at the end. */
  readonly nextAfter: number | null;
}
export const transcriptPageSchema = documented<TranscriptPage>(
  'TranscriptPage',
  z.object({
    messages: z.array(transcriptMessageSchema),
    nextAfter: z.number().int().nullable(),
  }),
);

export const eventPageSchema = documented<EventPage>(
  'EventPage',
  z.object({
    events: z.array(eventSchema),
    from: z.number().int().describe('This page accounts for every number from here …'),
    to: z.number().int().describe('… to here: what it does not hold was pruned.'),
    nextAfter: z.number().int().describe('Ask again with this as `after`.'),
  }),
);

export const queueSchema = z
  .object({
    sessionId: sessionIdSchema,
    messages: z.array(
      z.object({
        messageId: messageIdSchema,
        policy: z.enum(['enqueue', 'interrupt', 'steer', 'reject']),
        content: z.array(partSchema),
        at: time,
      }),
    ),
  })
  .meta({ id: 'Queue' });

export const queueOrderSchema = z
  .object({
    sessionId: sessionIdSchema,
    messages: z.array(
      z.object({ messageId: messageIdSchema, policy: z.enum(['enqueue', 'steer']) }),
    ),
  })
  .meta({ id: 'QueueOrder' });
