/** One session on a cluster in trouble, read by two clients; and what must be true of it whatever happened. */
import { expect } from 'vitest';
import type { Cluster } from '../support/cluster.ts';
import { startSession, watch } from '../support/watcher.ts';
import type { Watcher } from '../support/watcher.ts';
import { expectExact, numbered, requestsFor } from './exact-answers.ts';
import type { Asked } from './turn-events.ts';
import { expectTurns } from './turn-events.ts';
import { expectProjections, readJournal } from './whole-journal.ts';

/** How often the model was asked for a label's answer: exactly, or at least and at most. */
export type Requests = Readonly<Record<string, number | readonly [number, number]>>;

/** Tokens that were read when an answer counts as streaming. */
const SOME_TOKENS = 5;

export class FaultSession implements AsyncDisposable {
  readonly watcher: Watcher;
  readonly #cluster: Cluster;
  readonly #clients: readonly Watcher[];
  readonly #asked: Asked[] = [];

  constructor(cluster: Cluster, clients: readonly [Watcher, ...Watcher[]]) {
    this.#cluster = cluster;
    this.#clients = clients;
    this.watcher = clients[0];
  }

  /** Sends a message, once an API takes it. */
  async ask(label: string, tokens = 3, words = ''): Promise<Asked> {
    const content = `#${label} tokens=${tokens}${words}`;
    const turn = await this.watcher.send(content);
    const asked = { turn, label, content, answer: numbered(label, tokens) };
    this.#asked.push(asked);
    return asked;
  }

  /** The same message once more, under its id. */
  async repeat({ content, turn }: Asked): Promise<void> {
    await this.watcher.send(content, { messageId: turn });
  }

  /** Asks, and resolves in mid-answer, whose last token does not come before `cluster.model.release()`. */
  async askMidStream(label: string, tokens = 60): Promise<Asked> {
    const asked = await this.ask(label, tokens, ` hold=${tokens - 1}`);
    await this.streaming(asked);
    return asked;
  }

  /** Resolves when every client has read so many tokens. */
  async streaming({ turn, label }: Asked, tokens = SOME_TOKENS): Promise<void> {
    for (const client of this.#clients)
      await client.until(`${tokens} tokens of ${label}`, () => {
        return client.text(turn).split(' ').length > tokens;
      });
  }

  /** Resolves when another attempt of the turn streams. */
  nextAttempt({ turn, label }: Asked): Promise<void> {
    return this.watcher.until(`the second attempt of ${label}`, (events) =>
      events.some((event) => event.turn === turn && (event.attempt ?? 1) > 1),
    );
  }

  /** The turn completed, and what every client has read is what the model said: nothing lost, nothing twice. */
  async expectAnswer({ turn, answer }: Asked): Promise<void> {
    for (const client of this.#clients) await expectExact(client, turn, answer);
  }

  async expectOrdinaryTurn(label: string): Promise<void> {
    await this.expectAnswer(await this.ask(label));
  }

  /**
   * Clients, journal and model agree about every message of this session: the model was asked once where nothing else is said, the log is whole, each
   * client was sent all of it, and the projections are what it folds to.
   */
  async expectWhole(requests: Requests = {}): Promise<void> {
    expect(Object.keys(requests).filter((label) => !this.#wasAsked(label))).toEqual([]);
    const journal = await readJournal(this.#cluster.urls[0] ?? '', this.watcher.sessionId);
    const { log } = journal;
    expect(log.map(({ seq }) => seq)).toEqual(log.map((_, index) => index + 1));
    const attempts = expectTurns(log, this.#asked);
    expectProjections(journal, this.#asked);
    for (const client of this.#clients) {
      await client.until(`event ${log.length}`, (events) => events.length >= log.length);
      expect(client.events.slice(0, log.length)).toEqual(log);
    }
    for (const [index, { label, answer }] of this.#asked.entries()) {
      const said = requestsFor(this.#cluster, label).map(({ text }) => text);
      expect(said).toEqual(said.map(() => answer));
      expectWithin(said.length, requests[label] ?? 1);
      const { streamed, last } = attempts[index] ?? { streamed: 0, last: 0 };
      expectWithin(said.length, [streamed, last]);
    }
  }

  #wasAsked(label: string): boolean {
    return this.#asked.some((asked) => asked.label === label);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await using clients = new AsyncDisposableStack();
    for (const client of this.#clients) clients.use(client);
  }
}

function expectWithin(count: number, wanted: number | readonly [number, number]): void {
  const [least, most] = typeof wanted === 'number' ? [wanted, wanted] : wanted;
  expect(count).toBeGreaterThanOrEqual(least);
  expect(count).toBeLessThanOrEqual(most);
}

/** A new session; its two clients begin at different APIs where there are several. */
export async function openSession(cluster: Cluster): Promise<FaultSession> {
  const { urls } = cluster;
  const sessionId = await startSession(urls[0] ?? '');
  return new FaultSession(cluster, [watch(urls, sessionId), watch(urls.toReversed(), sessionId)]);
}
