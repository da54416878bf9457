/**
 * A client that trusts nobody: plain fetch, no SDK of ours. It notes every event that it is sent, fails on the first one that comes twice or
 * out of order, and comes back by itself when its API dies.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { PerdureEvent } from '../../contracts/events.ts';
import type { MessageId, SessionId } from '../../contracts/ids.ts';
import { newId } from '../../contracts/ids.ts';
import type { TurnView } from '../../contracts/projections/conversation.ts';
import { foldEvents } from '../../contracts/projections/turns.ts';

const RETRY_MS = 100;

export async function postJson<T>(url: string, body: unknown): Promise<T> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`POST ${url} → ${response.status} ${text}`);
  return JSON.parse(text) as T;
}

/** Repeats until the API takes it: the id makes a repeat harmless. */
export async function insist<T>(attempt: () => Promise<T>, timeoutMs = 120_000): Promise<T> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (Date.now() > deadline) throw error;
      await sleep(RETRY_MS);
    }
  }
}

export const startSession = async (url: string, body: object = {}): Promise<SessionId> =>
  (await postJson<{ sessionId: SessionId }>(`${url}/api/sessions`, body)).sessionId;

export interface Watcher extends AsyncDisposable {
  readonly sessionId: SessionId;
  readonly events: readonly PerdureEvent[];
  /** Sends until the API takes it. @returns the message's id, which is also its turn's */
  send(content: string, extra?: object): Promise<MessageId>;
  /** Resolves when the condition holds for what was received so far. */
  until(
    what: string,
    holds: (events: readonly PerdureEvent[]) => boolean,
    timeoutMs?: number,
  ): Promise<void>;
  /** Resolves with the folded turn once it has settled. */
  settled(turn: MessageId, timeoutMs?: number): Promise<TurnView>;
  /** What the person has read in this turn so far. */
  text(turn: MessageId): string;
}

export const textOf = (turn: TurnView): string =>
  turn.steps
    .flatMap((step) => step.blocks)
    .filter((block) => block.kind === 'text')
    .map((block) => block.text)
    .join('');

/** Follows a session over the given APIs in turn. */
export function watch(urls: readonly string[], sessionId: SessionId): Watcher {
  const events: PerdureEvent[] = [];
  const stop = new AbortController();
  let broken: Error | undefined;
  const take = (event: PerdureEvent): void => {
    const last = events.at(-1)?.seq ?? 0;
    if (event.seq <= last) throw new OutOfOrder(event.seq, last);
    events.push(event);
  };
  const done = follow({
    urls,
    sessionId,
    take,
    signal: stop.signal,
    after: () => events.at(-1)?.seq ?? 0,
  }).catch((error: Error) => void (broken = error));
  const until: Watcher['until'] = async (what, holds, timeoutMs = 120_000) => {
    const deadline = Date.now() + timeoutMs;
    while (!holds(events)) {
      if (broken) throw broken;
      if (Date.now() > deadline)
        throw new Error(`never came: ${what}. Last events: ${tail(events)}`);
      await sleep(10);
    }
  };
  const turnOf = (turn: MessageId): TurnView | undefined =>
    foldEvents(events).turns.find((candidate) => candidate.turn === turn);
  return {
    sessionId,
    events,
    until,
    send: async (content, extra = {}) => {
      const messageId = newId('msg');
      let index = 0;
      const path = `/api/sessions/${sessionId}/messages`;
      await insist(() =>
        postJson(`${urls[index++ % urls.length]}${path}`, { content, messageId, ...extra }),
      );
      return messageId;
    },
    settled: async (turn, timeoutMs) => {
      await until(
        `the end of turn ${turn}`,
        (all) => all.some((event) => event.type === 'turn.settled' && event.turn === turn),
        timeoutMs,
      );
      return turnOf(turn) as TurnView;
    },
    text: (turn) => textOf(turnOf(turn) ?? ({ steps: [] } as unknown as TurnView)),
    [Symbol.asyncDispose]: async () => {
      stop.abort();
      await done;
      if (broken) throw broken;
    },
  };
}

class OutOfOrder extends Error {
  constructor(seq: number, last: number) {
    super(`event ${seq} came after event ${last}`);
    this.name = 'OutOfOrder';
  }
}

const tail = (events: readonly PerdureEvent[]): string =>
  events
    .slice(-5)
    .map((event) => `${event.seq} ${event.type} ${JSON.stringify(event.data).slice(0, 200)}`)
    .join('\n');

interface Following {
  readonly urls: readonly string[];
  readonly sessionId: SessionId;
  readonly take: (event: PerdureEvent) => void;
  readonly signal: AbortSignal;
  readonly after: () => number;
}

async function follow(following: Following): Promise<void> {
  for (let index = 0; !following.signal.aborted; index++) {
    const url = following.urls[index % following.urls.length] ?? '';
    try {
      await stream(url, following);
    } catch (error) {
      if (error instanceof OutOfOrder) throw error;
    }
    await sleep(RETRY_MS);
  }
}

async function stream(url: string, { sessionId, take, signal, after }: Following): Promise<void> {
  const response = await fetch(`${url}/api/sessions/${sessionId}/events`, {
    headers: { accept: 'text/event-stream', 'last-event-id': `${after()}` },
    signal,
  });
  if (!response.ok || !response.body) throw new Error(`SSE → ${response.status}`);
  let rest = '';
  for await (const chunk of response.body.pipeThrough(new TextDecoderStream())) {
    const blocks = (rest + chunk).split('\n\n');
    rest = blocks.pop() ?? '';
    for (const block of blocks) {
      const data = /^data: ?(.*)$/m.exec(block)?.[1];
      if (data && /^id:/m.test(block)) take(JSON.parse(data) as PerdureEvent);
    }
  }
}
