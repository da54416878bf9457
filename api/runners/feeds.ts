/** Tells connected runners of calls: what the journal announces at once, everything again from time to time. One reader for all of a process. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { SessionId } from '../../contracts/ids.ts';
import type { Journal, RunnerRow } from '../../journal/port.ts';
import { FollowedRunner, type Follower } from './follower.ts';

/** Leases end without an announcement; a third of their usual time is soon enough. */
const LOOK_MS = 5_000;
/** A runner whose connection stands is marked as seen this often. */
const SEEN_MS = 15_000;
/** Open remote calls that one look reads. Those of sessions with news are always read. */
const MOST = 5_000;

type Parts = Pick<Journal, 'ledger' | 'runners'>;

export class RunnerFeeds {
  readonly #journal: Parts;
  readonly #log: Logger;
  readonly #followed = new Set<FollowedRunner>();
  readonly #news = new Set<SessionId>();
  #all = false;
  #looking = false;
  #stop: AbortController | undefined;

  constructor(journal: Parts, log: Logger) {
    this.#journal = journal;
    this.#log = log;
  }

  get size(): number {
    return this.#followed.size;
  }

  /** From now on, beginning with what waits already. @returns what ends it */
  follow(runner: RunnerRow, follower: Follower): () => void {
    const followed = new FollowedRunner(runner, follower);
    this.#followed.add(followed);
    if (!this.#stop) this.#begin((this.#stop = new AbortController()));
    this.#look(null);
    return () => {
      this.#followed.delete(followed);
      if (this.#followed.size > 0) return;
      this.#stop?.abort();
      this.#stop = undefined;
    };
  }

  #begin({ signal }: AbortController): void {
    void this.#hear(signal);
    void this.#repeat(LOOK_MS, signal, async () => this.#look(null));
    void this.#repeat(SEEN_MS, signal, () => this.#markSeen());
  }

  async #hear(signal: AbortSignal): Promise<void> {
    for await (const sessionId of this.#journal.ledger.remoteNews(signal)) this.#look(sessionId);
  }

  async #repeat(ms: number, signal: AbortSignal, work: () => Promise<void>): Promise<void> {
    while (!signal.aborted) {
      await sleep(ms, undefined, { signal, ref: false }).catch(() => undefined);
      if (!signal.aborted) await work();
    }
  }

  #look(sessionId: SessionId | null): void {
    if (sessionId === null) this.#all = true;
    else this.#news.add(sessionId);
    if (this.#looking) return;
    this.#looking = true;
    void this.#lookAll();
  }

  async #lookAll(): Promise<void> {
    // What is announced in the same tick is read at once.
    await Promise.resolve();
    while ((this.#all || this.#news.size > 0) && this.#followed.size > 0) {
      const asked = this.#all ? undefined : new Set(this.#news);
      this.#all = false;
      this.#news.clear();
      try {
        await this.#lookAt(asked);
      } catch (error) {
        // The next look tells it.
        this.#log.warn({ err: error }, 'cannot read the calls of runners');
      }
    }
    this.#looking = false;
  }

  async #lookAt(sessionIds: ReadonlySet<SessionId> | undefined): Promise<void> {
    // Whoever comes while this reads is looked at by a read of its own.
    const followed = [...this.#followed];
    const tenants = [...new Set(followed.map(({ runner }) => runner.tenant))];
    const filter = sessionIds ? { sessionIds: [...sessionIds] } : { tenants };
    const calls = await this.#journal.ledger.remote(filter, MOST);
    for (const one of followed) if (this.#followed.has(one)) one.look(calls, sessionIds);
  }

  /** Also takes over what an operator changed meanwhile. */
  async #markSeen(): Promise<void> {
    for (const one of this.#followed) {
      const { runnerId, instance } = one.runner;
      try {
        const row = await this.#journal.runners.seen(runnerId, instance);
        if (row) one.runner = row;
        else one.follower.replaced();
      } catch (error) {
        this.#log.warn({ err: error, runnerId }, 'cannot mark a runner as seen');
      }
    }
  }
}
