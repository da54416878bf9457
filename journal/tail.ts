/** A session's events from any number on, live: attach, read the backlog, drop what comes twice. */
import type { PerdureEvent } from '../contracts/events.ts';
import type { SessionId } from '../contracts/ids.ts';
import type { Hub } from './hub.ts';
import { readPage } from './read.ts';
import type { Store } from './store.ts';

export interface TailOptions {
  readonly after: number;
  readonly signal: AbortSignal;
}

/** Events of one read of the backlog. */
const PAGE = 500;

export async function* tail(
  { store, hub }: { readonly store: Store; readonly hub: Hub },
  sessionId: SessionId,
  { after, signal }: TailOptions,
): AsyncGenerator<readonly PerdureEvent[], void> {
  using watcher = await hub.watch(sessionId);
  const wake = () => watcher.wake();
  signal.addEventListener('abort', wake);
  try {
    let last = after;
    while (!signal.aborted) {
      if (watcher.behind) {
        // First this, then the read: what is committed in between is in the buffer.
        watcher.behind = false;
        const page = await readPage(store, sessionId, { after: last, limit: PAGE });
        last = page.nextAfter;
        if (page.events.length === PAGE) watcher.behind = true;
        if (page.events.length > 0) yield page.events;
        continue;
      }
      const from = last;
      const fresh = watcher.take().filter((event) => event.seq > from);
      last = fresh.at(-1)?.seq ?? last;
      if (fresh.length > 0) yield fresh;
      else await watcher.news();
    }
  } finally {
    signal.removeEventListener('abort', wake);
  }
}
