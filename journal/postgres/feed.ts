/**
 * LISTEN / NOTIFY on a connection of its own: after the commit, because a notification inside a transaction makes all committers queue
 * for one lock. A lost notification costs a reader the interval of the slow poll, never an event.
 */
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import type { SessionId } from '../../contracts/ids.ts';
import type { ChangeFeed, Committed, Listener } from '../change-feed.ts';
import type { ContextRow } from '../port.ts';
import type { JournalLog } from '../store.ts';

export interface FeedOptions {
  readonly url: string;
  /** Prefix of the channels: notifications are seen by everybody in the database. */
  readonly schema: string;
  readonly log: JournalLog;
}

/** Under load one notification speaks for the commits of this time. */
const COALESCE_MS = 10;
/** PostgreSQL's limit is 8,000 bytes; beyond this it is cheaper to say "all" anyway. */
const MAX_PAYLOAD = 7_000;
const ALL = '*';
/** What a lost notification may cost. */
const POLL_MS = 2_000;
const FIRST_RETRY_MS = 100;
const MAX_RETRY_MS = 2_000;

type Channel = 'events' | 'closed' | 'remote' | 'contexts';
const CHANNELS: readonly Channel[] = ['events', 'closed', 'remote', 'contexts'];

export class NotifyFeed implements ChangeFeed {
  readonly #options: FeedOptions;
  #listener: Listener | undefined;
  #client: pg.Client | undefined;
  #poll: NodeJS.Timeout | undefined;
  #closing = false;
  #reconnecting: Promise<void> | undefined;
  readonly #pending: Record<Channel, Set<string>> = {
    events: new Set(),
    closed: new Set(),
    remote: new Set(),
    contexts: new Set(),
  };
  readonly #sending: Partial<Record<Channel, Promise<void>>> = {};

  constructor(options: FeedOptions) {
    this.#options = options;
  }

  publish({ events, closed, remote }: Committed): void {
    this.#send('closed', closed);
    this.#send('remote', remote);
    this.#send('events', events.keys());
  }

  publishContext(row: ContextRow): void {
    this.#send('contexts', [JSON.stringify(row)]);
  }

  async listen(listener: Listener): Promise<void> {
    this.#listener = listener;
    await this.#connect();
    this.#poll = setInterval(() => listener.missed(), POLL_MS);
  }

  async close(): Promise<void> {
    this.#closing = true;
    clearInterval(this.#poll);
    await this.#reconnecting;
    await Promise.all(Object.values(this.#sending));
    await this.#client?.end();
  }

  #channel(channel: Channel): string {
    return `${this.#options.schema}_${channel}`;
  }

  async #connect(): Promise<void> {
    const client = new pg.Client({
      connectionString: this.#options.url,
      keepAlive: true,
      // Announcements of several kinds are under way at once.
      pipeline: true,
      application_name: 'perdure journal feed',
    });
    client.on('notification', ({ channel, payload }) => this.#hear(channel, payload!));
    client.on('error', (error) => this.#lose(client, error));
    try {
      await client.connect();
      for (const channel of CHANNELS)
        await client.query(`listen ${client.escapeIdentifier(this.#channel(channel))}`);
    } catch (error) {
      await client.end();
      throw error;
    }
    this.#client = client;
    this.#listener!.missed();
    for (const channel of CHANNELS) this.#send(channel, []);
  }

  #hear(name: string, payload: string): void {
    const listener = this.#listener!;
    if (name === this.#channel('contexts'))
      return listener.contextChanged(JSON.parse(payload) as ContextRow);
    if (payload === ALL) return listener.missed();
    const ids = payload.split(',') as SessionId[];
    for (const id of ids) {
      if (name === this.#channel('events')) listener.appended(id, undefined);
      else if (name === this.#channel('closed')) listener.closed(id);
      else listener.remote(id);
    }
  }

  #lose(client: pg.Client, error: Error): void {
    if (client !== this.#client) return;
    this.#client = undefined;
    void client.end();
    this.#options.log.warn({ error: error.message }, 'lost the connection for notifications');
    this.#reconnecting ??= this.#reconnect();
  }

  async #reconnect(): Promise<void> {
    for (
      let wait = FIRST_RETRY_MS;
      !this.#closing && !this.#client;
      wait = Math.min(MAX_RETRY_MS, wait * 2)
    ) {
      await delay(wait);
      await this.#connect().catch(() => {});
    }
    this.#reconnecting = undefined;
  }

  #send(channel: Channel, payloads: Iterable<string>): void {
    for (const payload of payloads) this.#pending[channel].add(payload);
    this.#sending[channel] ??= this.#sendAll(channel);
  }

  /** The first at once; what comes while that is under way goes together. Without a connection it is kept for the next one. */
  async #sendAll(channel: Channel): Promise<void> {
    const pending = this.#pending[channel];
    // Only now is this promise the one that `#send` looks at.
    await Promise.resolve();
    while (pending.size > 0 && this.#client) {
      const items = [...pending];
      pending.clear();
      await this.#notify(this.#client, channel, items);
      if (channel === 'events') await delay(COALESCE_MS);
    }
    delete this.#sending[channel];
  }

  async #notify(client: pg.Client, channel: Channel, items: readonly string[]): Promise<void> {
    const joined = items.join(',');
    const payloads = channel === 'contexts' ? items : [joined.length > MAX_PAYLOAD ? ALL : joined];
    try {
      for (const payload of payloads)
        await client.query('select pg_notify($1, $2)', [this.#channel(channel), payload]);
    } catch (error) {
      // Not said again, in case it was not the connection's fault: the slow poll finds it.
      this.#lose(client, error as Error);
    }
  }
}
