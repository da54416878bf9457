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
  readonly sessionId: SessionId;
  readonly key: number;
  readonly watchers: Set<Watcher>;
  /** The last number that was handed out. */
  head: number;
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
    const found = this.#watched.get(sessionId) ?? (await this.#lookUp(sessionId));
    // Another tail may have been faster.
    const watched = this.#watched.get(sessionId) ?? found;
    this.#watched.set(sessionId, watched);
    const watcher = new Watcher(() => this.#leave(watched, watcher));
    watched.watchers.add(watcher);
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

  #leave({ sessionId, watchers }: Watched, watcher: Watcher): void {
    watchers.delete(watcher);
    if (watchers.size === 0) this.#watched.delete(sessionId);
  }

  async #lookUp(sessionId: SessionId): Promise<Watched> {
    const row = await reach(this.#store, (db) =>
      db
        .selectFrom('sessions')
        .select(['key', 'last_seq'])
        .where('id', '=', sessionId)
        .executeTakeFirst(),
    );
    if (!row) throw new PerdureError('not_found', `There is no session ${sessionId}.`);
    return { sessionId, key: row.key, watchers: new Set(), head: row.last_seq };
  }

  #read(sessionIds: Iterable<SessionId>): void {
    for (const sessionId of sessionIds) this.#news.add(sessionId);
    if (this.#reading || this.#news.size === 0) return;
    this.#reading = true;
    void this.#readAll();
  }

  async #readAll(): Promise<void> {
    try {
      while (this.#news.size > 0) await this.#readOnce();
    } catch (error) {
      // The next news, or the slow poll, tries again.
      this.#store.log.warn({ error: (error as Error).message }, 'cannot read new events');
    } finally {
      this.#reading = false;
    }
  }

  /** One statement for all sessions with news. */
  async #readOnce(): Promise<void> {
    const sources = this.#sources();
    const heads = [...sources.values()].map(({ key, head }) => ({ session_key: key, head }));
    const from = recordset(this.#store.dialect, heads, { session_key: 'bigint', head: 'bigint' });
    const { rows } = await reach(this.#store, (db) =>
      sql<EventRecord>`select e.* from ${from} join events e on e.session_key = r.session_key and e.seq > r.head
        order by e.session_key, e.seq limit ${READ_ROWS}`.execute(db),
    );
    for (const [key, records] of Map.groupBy(rows, (row) => row.session_key))
      handOut(sources.get(key)!, records);
    if (rows.length === READ_ROWS)
      for (const { sessionId } of sources.values()) this.#news.add(sessionId);
  }

  /** The watched sessions that have news, by key. */
  #sources(): Map<number, Watched> {
    const watched = [...this.#watched.values()].filter(({ sessionId }) =>
      this.#news.has(sessionId),
    );
    this.#news.clear();
    return new Map(watched.map((one) => [one.key, one]));
  }
}

function handOut(watched: Watched, records: readonly EventRecord[]): void {
  const events = records.map((record) => eventOf(record, watched.sessionId));
  watched.head = events.at(-1)!.seq;
  for (const watcher of watched.watchers) watcher.deliver(events);
}
