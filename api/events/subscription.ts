import type { PerdureEvent } from '../../contracts/events.ts';
import type { SessionId } from '../../contracts/ids.ts';
import { PerdureError } from '../../contracts/perdure-error.ts';
import type { EventPage } from '../../journal/port.ts';
import type { ApiContext } from '../context.ts';
import { Admission } from './admission.ts';
import { EventQueue } from './event-queue.ts';
import { parseCursor, refuseBeyondHead } from './cursor.ts';

/** A session's last number as a cursor, for a session that the caller may see. @throws not_found, invalid_input */
export async function readCursor(
  { deps, principal }: ApiContext,
  sessionId: SessionId,
  after: string | number,
): Promise<{ cursor: number }> {
  const cursor = parseCursor(after);
  const { lastSeq } = await deps.access.find(principal, sessionId);
  refuseBeyondHead(cursor, lastSeq);
  return { cursor };
}

export interface OpenedStream {
  readonly cursor: number;
  readonly first: EventPage;
}

/** Everything that can be wrong with a stream is found out before it begins. @throws not_found, invalid_input, cursor_expired */
export async function openStream(
  ctx: ApiContext,
  sessionId: SessionId,
  after: string | number,
): Promise<OpenedStream> {
  const { cursor } = await readCursor(ctx, sessionId, after);
  return { cursor, first: await ctx.deps.feeds.page(sessionId, cursor) };
}

interface Subscription {
  readonly sessionId: SessionId;
  readonly after: string | number;
  readonly signal: AbortSignal | undefined;
}

/** How often a WebSocket that reads slowly is looked at. */
const SOCKET_POLL_MS = 20;

/**
 * For tRPC, which pulls. Everything that can be wrong is found out before this resolves, so that it can be answered with its own status;
 * the events then end with resource_exhausted where the client reads too slowly: it resumes from its last number.
 * @throws not_found, invalid_input, cursor_expired, too_many_connections
 */
export async function subscribeEvents(
  ctx: ApiContext,
  { sessionId, after, signal }: Subscription,
): Promise<AsyncGenerator<PerdureEvent, void>> {
  const opened = await openStream(ctx, sessionId, after);
  const admission = new Admission(ctx, signal);
  return pulled(ctx, { ...opened, sessionId, admission });
}

interface Admitted extends OpenedStream {
  readonly sessionId: SessionId;
  readonly admission: Admission;
}

async function* pulled(
  ctx: ApiContext,
  { sessionId, cursor, first, admission }: Admitted,
): AsyncGenerator<PerdureEvent, void> {
  const { feeds, settings } = ctx.deps;
  const queue = new EventQueue(settings.api.streamBufferBytes, () => cutOff(ctx, admission));
  const { ended } = admission;
  ended.addEventListener('abort', () => queue.wake(), { once: true });
  const following = feeds
    .follow(sessionId, { after: cursor, sink: queue, signal: ended, first })
    .catch((error: unknown) => admission.end(error));
  try {
    while (!ended.aborted)
      for (const { event } of await queue.take()) {
        // What is left is not for a connection that has ended: its client asks again from its last number.
        if (ended.aborted) break;
        yield event;
        await drained(ctx, ended);
      }
    if (admission.failure !== undefined) throw admission.failure;
  } finally {
    admission.end();
    await following;
  }
}

/** A socket takes everything that it is given: what the client has not read is waited for here, so that the queue's limit counts. */
async function drained({ carrier, deps }: ApiContext, signal: AbortSignal): Promise<void> {
  if (!carrier?.unsentBytes) return;
  while (!signal.aborted && carrier.unsentBytes() > deps.settings.api.streamBufferBytes)
    await new Promise((resolve) => setTimeout(resolve, SOCKET_POLL_MS));
}

/** One that begins to read again is told why; one that does not within a pong's time is cut off. */
function cutOff({ deps, carrier }: ApiContext, admission: Admission): void {
  const { api, timeouts } = deps.settings;
  deps.metrics.closedStreams.inc({ reason: 'slow' });
  admission.end(tooSlow(api.streamBufferBytes));
  if (carrier) setTimeout(carrier.cut, timeouts.socketPongMs).unref();
}

const tooSlow = (limit: number): PerdureError =>
  new PerdureError(
    'resource_exhausted',
    `More than ${limit} bytes of events wait to be read: resume from the last number.`,
  );
