import type { PerdureEvent } from '../../contracts/events.ts';
import type { SessionId } from '../../contracts/ids.ts';
import { PerdureError } from '../../contracts/perdure-error.ts';
import type { EventPage } from '../../journal/port.ts';
import type { ApiContext } from '../context.ts';
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

/** For tRPC, which pulls. @throws resource_exhausted where the client reads too slowly: it resumes from its last number */
export async function* subscribeEvents(
  ctx: ApiContext,
  { sessionId, after, signal }: Subscription,
): AsyncGenerator<PerdureEvent, void> {
  const { deps, principal } = ctx;
  const { cursor, first } = await openStream(ctx, sessionId, after);
  const stop = new AbortController();
  const ended = signal ? AbortSignal.any([signal, stop.signal]) : stop.signal;
  let failure: unknown;
  const fail = (error: unknown) => {
    failure ??= error;
    stop.abort();
  };
  const limit = deps.settings.api.streamBufferBytes;
  const queue = new EventQueue(limit, () => fail(tooSlow(limit)));
  const leave = deps.connections.admit(principal, () => fail(closing()));
  ended.addEventListener('abort', () => queue.wake(), { once: true });
  const following = deps.feeds
    .follow(sessionId, { after: cursor, sink: queue, signal: ended, first })
    .catch(fail);
  try {
    while (!ended.aborted)
      for (const { event } of await queue.take()) {
        yield event;
        await drained(ctx, ended);
      }
    if (failure !== undefined) throw failure;
  } finally {
    stop.abort();
    leave();
    await following;
  }
}

/** A socket takes everything that it is given: what the client has not read is waited for here, so that the queue's limit counts. */
async function drained({ socket, deps }: ApiContext, signal: AbortSignal): Promise<void> {
  if (!socket) return;
  while (!signal.aborted && socket.unsentBytes() > deps.settings.api.streamBufferBytes)
    await new Promise((resolve) => setTimeout(resolve, SOCKET_POLL_MS));
}

const tooSlow = (limit: number): PerdureError =>
  new PerdureError(
    'resource_exhausted',
    `More than ${limit} bytes of events wait to be read: resume from the last number.`,
  );

const closing = (): PerdureError =>
  new PerdureError(
    'resource_exhausted',
    'The server ends this stream: resume from the last number.',
  );
