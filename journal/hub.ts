/**
 * Who in this process waits for what. One hub serves all tails of a process: a commit's events are handed to each of its watchers, or,
 * where only the news of a commit came, read once for all sessions that have news.
 */
import { sql } from 'kysely';
import type { PerdureEvent } from '../contracts/events.ts';
import type { SessionId } from '../contracts/ids.ts';
import { PerdureError } from '../contracts/perdure-error.ts';
import { recordset } from './recordset.ts';
import { eventOf } from './read.ts';
import { reach } from './store.ts';
import type { Store } from './store.ts';
import type { EventRecord } from './tables.ts';
import { Watcher } from './watcher.ts';

interface Watched {
  readonly watchers: Set<Watcher>;
  key: number;
  /** The last number that was handed out; undefined until the session's row was looked up. */
  head: number | undefined;
}

/** Rows of one read for all sessions with news. */
const READ_ROWS = 5_000;

export class Hub {
  readonly #store: Store;
  readonly #watched = new Map<SessionId, Watched>();
  readonly #news = new Set<SessionId>();
  #reading = false;

  constructor(store: Store) {
    this.#store = store;
  }

  /** Attaches a watcher that then has to read the backlog itself. @throws not_found */
  async watch(sessionId: SessionId): Promise<Watcher> {
    const watched = this.#watched.get(sessionId) ?? {
      watchers: new Set(),
      key: 0,
      head: undefined,
    };
    this.#watched.set(sessionId, watched);
    const watcher = new Watcher(() => this.#leave(sessionId, watched, watcher));
    watched.watchers.add(watcher);
    if (watched.head === undefined) {
      try {
        await this.#lookUp(sessionId, watched);
      } catch (error) {
        watcher[Symbol.dispose]();
        throw error;
      }
    }
    return watcher;
  }

  appended(sessionId: SessionId, events: readonly PerdureEvent[] | undefined): void {
    const watched = this.#watched.get(sessionId);
    if (!watched) return;
    if (events) for (const watcher of watched.watchers) watcher.deliver(events);
    else this.#read([sessionId]);
  }

  /** News may have been lost: asks for all sessions that are watched. */
  missed(): void {
    this.#read(this.#watched.keys());
  }

  /** How many sessions are watched. */
  get size(): number {
    return this.#watched.size;
  }

  #leave(sessionId: SessionId, watched: Watched, watcher: Watcher): void {
    watched.watchers.delete(watcher);
    if (watched.watchers.size === 0 && this.#watched.get(sessionId) === watched)
      this.#watched.delete(sessionId);
  }

  async #lookUp(sessionId: SessionId, watched: Watched): Promise<void> {
    const row = await reach(this.#store, (db) =>
      db
        .selectFrom('sessions')
        .select(['key', 'last_seq'])
        .where('id', '=', sessionId)
        .executeTakeFirst(),
    );
    if (!row) throw new PerdureError('not_found', `There is no session ${sessionId}.`);
    watched.key = row.key;
    watched.head ??= row.last_seq;
    // News that came during the look-up had to wait for it.
    this.#read([]);
  }

  #read(sessionIds: Iterable<SessionId>): void {
    for (const sessionId of sessionIds) this.#news.add(sessionId);
    if (this.#reading || this.#news.size === 0) return;
    this.#reading = true;
    void this.#readAll();
  }

  async #readAll(): Promise<void> {
    try {
      while (await this.#readOnce());
    } catch (error) {
      // The next news, or the slow poll, tries again.
      this.#store.log.warn({ error: (error as Error).message }, 'cannot read new events');
    } finally {
      this.#reading = false;
    }
  }

  /** @returns whether there may be more */
  async #readOnce(): Promise<boolean> {
    const sources = this.#sources();
    if (sources.size === 0) return false;
    const rows = [...sources.values()].map(({ watched }) => ({
      session_key: watched.key,
      head: watched.head!,
    }));
    const from = recordset(this.#store.dialect, rows, { session_key: 'bigint', head: 'bigint' });
    const { rows: records } = await reach(this.#store, (db) =>
      sql<EventRecord>`select e.* from ${from} join events e on e.session_key = r.session_key and e.seq > r.head
        order by e.session_key, e.seq limit ${READ_ROWS}`.execute(db),
    );
    const bySession = Map.groupBy(records, (record) => record.session_key);
    for (const [key, list] of bySession) this.#handOut(sources.get(key)!, list);
    if (records.length < READ_ROWS) return this.#news.size > 0;
    for (const { sessionId } of sources.values()) this.#news.add(sessionId);
    return true;
  }

  /** The watched sessions that have news, by key; those that are not looked up yet keep theirs. */
  #sources() {
    const sources = new Map<number, { sessionId: SessionId; watched: Watched }>();
    for (const sessionId of [...this.#news]) {
      const watched = this.#watched.get(sessionId);
      if (watched && watched.head === undefined) continue;
      this.#news.delete(sessionId);
      if (watched) sources.set(watched.key, { sessionId, watched });
    }
    return sources;
  }

  #handOut(
    { sessionId, watched }: { sessionId: SessionId; watched: Watched },
    records: readonly EventRecord[],
  ): void {
    const events = records.map((record) => eventOf(record, sessionId));
    watched.head = events.at(-1)!.seq;
    for (const watcher of watched.watchers) watcher.deliver(events);
  }
}
