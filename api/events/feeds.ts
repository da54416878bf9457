import type { SessionId } from '../../contracts/ids.ts';
import type { EventLog, EventPage } from '../../journal/port.ts';
import { EncodedEvent } from './encoded.ts';
import { SessionFeed, type Listener } from './feed.ts';

/** Events may hold 32 KiB each: a page of them is what a slow client can make us keep. */
const PAGE = 200;

/** Where a client's events go. */
export interface Sink {
  /** Backlog comes as fast as the sink is ready; live events come when they come. */
  write(events: readonly EncodedEvent[], phase: 'backlog' | 'live'): void;
  /** Resolves when it can take another page of the backlog. */
  ready(): Promise<void>;
}

export interface Follow {
  /** Number of the last event that the client has. */
  readonly after: number;
  readonly sink: Sink;
  readonly signal: AbortSignal;
  /** The first page, where it was read before to find out that the cursor is good. */
  readonly first?: EventPage | undefined;
}

/** Lets any number of clients follow sessions: each reads its own backlog, then all of a session share one reader. */
export class Feeds {
  readonly #log: EventLog;
  readonly #feeds = new Map<SessionId, SessionFeed>();

  constructor(log: EventLog) {
    this.#log = log;
  }

  /** Sessions with a listener. */
  get size(): number {
    return this.#feeds.size;
  }

  /** A page of the backlog. @throws cursor_expired */
  page(sessionId: SessionId, after: number): Promise<EventPage> {
    return this.#log.read(sessionId, { after, limit: PAGE });
  }

  /**
   * Everything after `after`, in order, each once, until `signal` aborts.
   * @throws what broke the feed: the client resumes from its last number
   */
  async follow(sessionId: SessionId, { after, sink, signal, first }: Follow): Promise<void> {
    let have = after;
    for (let page = first ?? (await this.page(sessionId, have)); !signal.aborted;) {
      if (page.events.length > 0) {
        const events = page.events.map((event) => new EncodedEvent(event));
        sink.write(events, 'backlog');
        await sink.ready();
      }
      have = Math.max(have, page.nextAfter);
      const live = page.events.length < PAGE ? this.#feedFrom(sessionId, have) : undefined;
      if (live) return listen(live, { after: have, sink, signal });
      page = await this.page(sessionId, have);
    }
  }

  /** The session's feed, where somebody who has everything up to `have` can join it without a gap. */
  #feedFrom(sessionId: SessionId, have: number): SessionFeed | undefined {
    const running = this.#feeds.get(sessionId);
    if (running) return running.position <= have ? running : undefined;
    const feed: SessionFeed = new SessionFeed(this.#log, sessionId, {
      after: have,
      onIdle: () => {
        if (this.#feeds.get(sessionId) === feed) this.#feeds.delete(sessionId);
      },
    });
    this.#feeds.set(sessionId, feed);
    return feed;
  }
}

/** Until the signal aborts or the feed breaks. */
function listen(feed: SessionFeed, { after, sink, signal }: Omit<Follow, 'first'>): Promise<void> {
  return new Promise((resolve, reject) => {
    const done = (end: () => void) => {
      leave();
      signal.removeEventListener('abort', onAbort);
      end();
    };
    const onAbort = () => done(resolve);
    const listener: Listener = {
      after,
      take: (events) => sink.write(events, 'live'),
      fail: (error) => done(() => reject(error)),
    };
    const leave = feed.join(listener);
    if (signal.aborted) return onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
  });
}
