import { z } from 'zod';
import { sessionIdSchema } from '../../contracts/events.ts';
import { contextNameSchema } from '../../contracts/session.ts';
import type { ContextRow } from '../../journal/port.ts';
import type { ApiContext } from '../context.ts';
import { Admission } from '../events/admission.ts';
import { person, router } from '../procedures.ts';
import { time } from '../schemas/session.ts';
import { rest } from './rest.ts';

const contextSchema = z
  .object({
    context: z.string(),
    sessionId: sessionIdSchema.nullable(),
    updatedAt: time.nullable(),
  })
  .meta({ id: 'Context' });
const ref = z.strictObject({ context: contextNameSchema });

const shown = ({ context, sessionId, updatedAt }: ContextRow) => ({
  context,
  sessionId,
  updatedAt,
});

/** Which session is active in a window, a project, a chat room: each user's own. */
export const contextRouter = router({
  get: person
    .meta(rest('GET /api/active-session', 'The session that is active in a context'))
    .input(ref)
    .output(contextSchema)
    .query(async ({ ctx: { deps, principal }, input: { context } }) => {
      const row = await deps.journal.contexts.get(principal, context);
      return row ? shown(row) : { context, sessionId: null, updatedAt: null };
    }),

  set: person
    .meta(rest('PUT /api/active-session', 'Make a session the active one of a context, or none'))
    .input(ref.extend({ sessionId: sessionIdSchema.nullable() }))
    .output(contextSchema)
    .mutation(async ({ ctx: { deps, principal }, input: { context, sessionId } }) => {
      if (sessionId !== null) await deps.access.find(principal, sessionId);
      return shown(await deps.journal.contexts.set(principal, context, sessionId));
    }),

  list: person
    .meta(rest('GET /api/contexts', 'Your contexts and their active sessions'))
    .output(z.object({ contexts: z.array(contextSchema) }).meta({ id: 'Contexts' }))
    .query(async ({ ctx: { deps, principal } }) => {
      const rows = await deps.journal.contexts.list(principal);
      return { contexts: rows.map(shown) };
    }),

  /** Every change of your contexts, from any of your clients; begins with all of them as they are. */
  changes: person.subscription(async ({ ctx, signal }) => changes(ctx, new Admission(ctx, signal))),
});

async function* changes({ deps, principal }: ApiContext, admission: Admission) {
  const { contexts } = deps.journal;
  try {
    const iterator = contexts.changes(principal, admission.ended)[Symbol.asyncIterator]();
    // Asked for the first change before the list is read, so that none falls in between.
    let next = iterator.next();
    for (const row of await contexts.list(principal)) yield shown(row);
    for (let step = await next; !step.done; step = await next) {
      yield shown(step.value);
      next = iterator.next();
    }
  } finally {
    admission.end();
  }
}
