import { tracked } from '@trpc/server';
import { z } from 'zod';
import {
  EVENT_TYPES,
  messageIdSchema,
  sessionIdSchema,
  type EventType,
  type PerdureEvent,
} from '../../contracts/events.ts';
import {
  sendMessageSchema,
  startSessionSchema,
  contextNameSchema,
} from '../../contracts/session.ts';
import { SESSION_STATES } from '../../contracts/session-state.ts';
import { limitsSchema } from '../../contracts/settings.ts';
import { readCursor, subscribeEvents } from '../events/subscription.ts';
import { person, router } from '../procedures.ts';
import * as schemas from '../schemas/session.ts';
import { interruptSession, reopenSession, stopSession } from '../sessions/commands.ts';
import { getSession } from '../sessions/live.ts';
import { reconfigureSession } from '../sessions/reconfigure.ts';
import { parseWait, waitForReply } from '../sessions/reply.ts';
import { sendMessage } from '../sessions/send.ts';
import { startSession } from '../sessions/start.ts';
import { transcriptPage } from '../sessions/transcript.ts';
import { queueRouter } from './queue.ts';
import { rest } from './rest.ts';

const ref = z.strictObject({ sessionId: sessionIdSchema });
const limit = (most: number, usual: number) =>
  z.number().int().min(1).max(most).default(usual).describe(`At most so many, up to ${most}.`);
const after = z
  .number()
  .int()
  .min(0)
  .default(0)
  .describe('Number of the last event that you have; 0 is from the beginning.');

async function* numbered(events: AsyncIterable<PerdureEvent>) {
  for await (const event of events) yield tracked(String(event.seq), event);
}

/** What passes while a turn is open and means nothing afterwards. */
const PASSING: readonly EventType[] = ['content.delta', 'tool.progress'];
const SETTLED_TYPES = EVENT_TYPES.filter((type) => !PASSING.includes(type));

export const sessionRouter = router({
  start: person
    .meta(
      rest('POST /api/sessions', 'Start a session, with or without a first message', {
        status: 201,
        keyed: true,
      }),
    )
    .input(startSessionSchema)
    .output(schemas.startedSchema)
    .mutation(({ ctx, input }) => startSession(ctx, input)),

  send: person
    .meta(
      rest('POST /api/sessions/{sessionId}/messages', 'Send a message', {
        status: 202,
        keyed: true,
        query: ['wait'],
        description:
          'Answers 202 as soon as the message is durable; with `wait`, 200 with the reply where the turn settles in time, and not_found where somebody removes the message from the queue meanwhile.',
      }),
    )
    .input(
      sendMessageSchema.extend({
        sessionId: sessionIdSchema,
        wait: z
          .string()
          .max(10)
          .optional()
          .describe('How long to wait for the reply, such as 20s or 500ms.'),
      }),
    )
    .output(schemas.sentSchema)
    .mutation(async ({ ctx, input: { sessionId, wait, ...message } }) => {
      const ms = wait === undefined ? 0 : parseWait(wait);
      if (ms === 0) return sendMessage(ctx, sessionId, message);
      const { lastSeq } = await ctx.deps.access.find(ctx.principal, sessionId);
      const sent = await sendMessage(ctx, sessionId, message);
      const { messageId, repeated } = sent;
      // The reply to a repeat may be there already.
      const after = repeated ? 0 : lastSeq;
      const { tenant } = ctx.principal;
      const waiting = { messageId, tenant, after, rejectedUntil: lastSeq, ms };
      const reply = await waitForReply(ctx.deps, sessionId, waiting);
      if (!reply) return sent;
      ctx.reply.status = 200;
      const { state } = await ctx.deps.access.find(ctx.principal, sessionId);
      return { ...sent, state, reply };
    }),

  interrupt: person
    .meta(
      rest('POST /api/sessions/{sessionId}/interrupt', 'Interrupt the open turn', { status: 202 }),
    )
    .input(
      ref.extend({
        turn: messageIdSchema.optional().describe('Only if this turn is the open one.'),
      }),
    )
    .output(schemas.commandedSchema)
    .mutation(({ ctx, input }) => interruptSession(ctx, input.sessionId, input.turn)),

  stop: person
    .meta(rest('POST /api/sessions/{sessionId}/stop', 'End a session', { status: 202 }))
    .input(ref)
    .output(schemas.commandedSchema)
    .mutation(({ ctx, input }) => stopSession(ctx, input.sessionId)),

  reopen: person
    .meta(rest('POST /api/sessions/{sessionId}/reopen', 'Open an ended session', { status: 202 }))
    .input(ref)
    .output(schemas.commandedSchema)
    .mutation(({ ctx, input }) => reopenSession(ctx, input.sessionId)),

  reconfigure: person
    .meta(
      rest('PATCH /api/sessions/{sessionId}', 'Change the model or limits of an open session', {
        keyed: true,
      }),
    )
    .input(ref.extend({ model: z.string().max(100).optional(), limits: limitsSchema.optional() }))
    .output(schemas.commandedSchema)
    .mutation(({ ctx, input }) => reconfigureSession(ctx, input)),

  get: person
    .meta(rest('GET /api/sessions/{sessionId}', 'Look a session up'))
    .input(
      ref.extend({
        live: z
          .boolean()
          .default(false)
          .describe('Ask the workflow too; says so where it does not answer within a second.'),
      }),
    )
    .output(schemas.sessionDetailSchema)
    .query(({ ctx, input }) => getSession(ctx, input.sessionId, input.live)),

  list: person
    .meta(rest('GET /api/sessions', "List your sessions (operators: the tenant's), newest first"))
    .input(
      z
        .strictObject({
          state: z.enum(SESSION_STATES).optional(),
          context: contextNameSchema.optional(),
          externalId: z.string().max(200).optional(),
          cursor: z.string().max(200).optional().describe('`nextCursor` of the page before.'),
          limit: limit(200, 50),
        })
        .prefault({}),
    )
    .output(
      z
        .object({ items: z.array(schemas.sessionViewSchema), nextCursor: z.string().nullable() })
        .meta({ id: 'SessionPage' }),
    )
    .query(async ({ ctx, input: { cursor, limit, ...filter } }) => {
      const { tenant, user, role } = ctx.principal;
      const owner = role === 'operator' ? { tenant } : { tenant, user };
      const page = await ctx.deps.journal.sessions.list({ ...filter, ...owner }, { cursor, limit });
      return { items: [...page.items], nextCursor: page.nextCursor };
    }),

  transcript: person
    .meta(rest('GET /api/sessions/{sessionId}/transcript', 'The conversation, message by message'))
    .input(
      ref.extend({
        after: z.number().int().min(0).default(0).describe('Position of the last message seen.'),
        limit: limit(1_000, 200),
      }),
    )
    .output(schemas.transcriptPageSchema)
    .query(({ ctx, input }) => transcriptPage(ctx, input)),

  history: person
    .meta(
      rest('GET /api/sessions/{sessionId}/history', 'Settled facts: all events but passing ones'),
    )
    .input(ref.extend({ after, limit: limit(1_000, 200) }))
    .output(schemas.eventPageSchema)
    .query(async ({ ctx, input }) => {
      const { cursor } = await readCursor(ctx, input.sessionId, input.after);
      const options = { after: cursor, limit: input.limit, types: SETTLED_TYPES };
      return ctx.deps.journal.events.read(input.sessionId, options);
    }),

  page: person
    .meta(
      rest('GET /api/sessions/{sessionId}/events', 'Events, by polling or as a stream', {
        description:
          'With `Accept: text/event-stream` the same path streams: `id` is the number of the event, `Last-Event-ID` resumes.',
      }),
    )
    .input(ref.extend({ after, limit: limit(1_000, 200) }))
    .output(schemas.eventPageSchema)
    .query(async ({ ctx, input }) => {
      const { cursor } = await readCursor(ctx, input.sessionId, input.after);
      return ctx.deps.journal.events.read(input.sessionId, { after: cursor, limit: input.limit });
    }),

  /** Resumes by itself: tRPC's clients send the number of the last event that they saw. */
  events: person
    .input(
      ref.extend({
        after,
        lastEventId: z.string().max(20).optional(),
      }),
    )
    .subscription(async ({ ctx, input: { sessionId, lastEventId, after }, signal }) =>
      numbered(await subscribeEvents(ctx, { sessionId, after: lastEventId ?? after, signal })),
    ),

  queue: queueRouter,
});
