/** SQLite belongs to one process, so its readers are right here: they are handed the events themselves. */
import type { ChangeFeed, Listener } from '../change-feed.ts';

export function inProcessFeed(): ChangeFeed {
  let listener: Listener | undefined;
  return {
    publish({ events, closed, remote }) {
      for (const [sessionId, list] of events) listener?.appended(sessionId, list);
      for (const sessionId of closed) listener?.closed(sessionId);
      for (const sessionId of remote) listener?.remote(sessionId);
    },
    publishContext: (row) => listener?.contextChanged(row),
    async listen(only) {
      listener = only;
    },
    async close() {
      listener = undefined;
    },
  };
}
