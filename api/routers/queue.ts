import { z } from 'zod';
import { sessionIdSchema } from '../../contracts/events.ts';
import { queueEditSchema } from '../../contracts/session.ts';
import { person, router } from '../procedures.ts';
import { queueOrderSchema, queueSchema } from '../schemas/session.ts';
import { editQueue, queueOf } from '../sessions/queue.ts';
import { rest } from './rest.ts';

const ref = z.strictObject({ sessionId: sessionIdSchema });

export const queueRouter = router({
  list: person
    .meta(rest('GET /api/sessions/{sessionId}/queue', 'Messages that wait for their turn'))
    .input(ref)
    .output(queueSchema)
    .query(({ ctx, input }) => queueOf(ctx, input.sessionId)),

  edit: person
    .meta(
      rest(
        'PATCH /api/sessions/{sessionId}/queue',
        'Edit, remove, move or steer a waiting message',
        {
          keyed: true,
        },
      ),
    )
    .input(ref.extend({ edit: queueEditSchema }))
    .output(queueOrderSchema)
    .mutation(({ ctx, input }) => editQueue(ctx, input.sessionId, input.edit)),
});
