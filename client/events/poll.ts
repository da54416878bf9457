/** Events by asking again and again: stands alone where proxies block or gather streams (mission C10). */
import type { PerdureEvent } from '../../contracts/events.ts';
import { pause } from '../backoff.ts';
import { get, json } from '../connection.ts';
import type { Connection } from '../connection.ts';
import type { EventTransport } from './transport.ts';

/** A page of the event log: everything from `from` to `to` that is not in `events` was pruned. */
export interface EventPage {
  readonly events: readonly PerdureEvent[];
  readonly from: number;
  readonly to: number;
  readonly nextAfter: number;
}

const PAGE = 500;
/** While events come, and what the interval grows to when none do. */
const BUSY_MS = 200;
const IDLE_MS = 3_000;
const GROWTH = 1.5;

/** One page of a session's events after a number. @throws {PerdureError} @throws {NetworkError} */
export async function eventPage(
  connection: Connection,
  {
    sessionId,
    after,
    signal,
  }: { sessionId: string; after: number; signal?: AbortSignal | undefined },
): Promise<EventPage> {
  const path = `/api/sessions/${sessionId}/events?after=${after}&limit=${PAGE}`;
  const headers = { accept: 'application/json' };
  return json(await get(connection, path, { headers, signal }));
}

export const pollTransport = (connection: Connection): EventTransport =>
  async function* ({ sessionId, after, signal, onOpen }) {
    let last = after;
    let interval = BUSY_MS;
    let opened = false;
    while (!signal.aborted) {
      const page = await eventPage(connection, { sessionId, after: last, signal });
      if (!opened) onOpen?.();
      opened = true;
      yield* page.events;
      interval = page.nextAfter > last ? BUSY_MS : Math.min(IDLE_MS, interval * GROWTH);
      // A full page has more behind it.
      if (page.events.length < PAGE) await pause(interval, signal);
      last = Math.max(last, page.nextAfter);
    }
  };
