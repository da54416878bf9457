/** What the three ways of carrying events have in common. */
import type { PerdureEvent } from '../../contracts/events.ts';
import type { SessionId } from '../../contracts/ids.ts';

export interface EventRequest {
  readonly sessionId: SessionId;
  /** The number of the last event that the caller has; 0 for none. */
  readonly after: number;
  readonly signal: AbortSignal;
  /** Called once, when the connection stands, which may be long before an event comes. */
  readonly onOpen?: (() => void) | undefined;
}

/**
 * One connection: the events after a number, in order, as they come. It returns when the server closed it in an orderly way (streams
 * are closed after 15 min), throws a typed error when it broke, and is never reopened by itself: that is `resumed`'s work.
 */
export type EventTransport = (request: EventRequest) => AsyncIterable<PerdureEvent>;
