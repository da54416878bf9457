/** Waiting for the reply in the same request (`?wait=20s`). */
import type { MessageId, SessionId } from '../../contracts/ids.ts';
import type { EventOf, PerdureEvent } from '../../contracts/events.ts';
import { PerdureError } from '../../contracts/perdure-error.ts';
import type { ErrorInfo } from '../../contracts/errors.ts';
import type { ArtifactRef, Part } from '../../contracts/content.ts';
import { isOfAnother } from '../../contracts/projections/session.ts';
import type { Spend } from '../../contracts/usage.ts';
import type { ApiDeps } from '../deps.ts';

/** Proxies cut requests that stay silent for longer. */
const MAX_WAIT_MS = 120_000;

/** `20s`, `500ms`, or seconds as a number. @throws invalid_input */
export function parseWait(text: string): number {
  const match = /^(\d{1,6})(ms|s)?$/.exec(text);
  const ms = match ? Number(match[1]) * (match[2] === 'ms' ? 1 : 1_000) : Number.NaN;
  if (ms <= MAX_WAIT_MS) return ms;
  throw new PerdureError(
    'invalid_input',
    `"wait": expected a time up to ${MAX_WAIT_MS / 1_000}s, such as 20s or 500ms.`,
    { field: 'wait' },
  );
}

/** Of one answer; a longer one is better fetched as the bytes it is. */
const MAX_REPLY_BYTES = 1024 * 1024;

export interface Reply extends Spend {
  readonly turn: MessageId;
  readonly outcome: EventOf<'turn.settled'>['data']['outcome'];
  /** The answer's text; of several steps, the last. Empty where it is in `artifact`. */
  readonly text: string;
  /** Of a text over 1 MiB. */
  readonly artifact?: ArtifactRef | undefined;
  readonly error?: ErrorInfo | undefined;
}

/** An answer over 32 KiB is in an artifact. */
type Said = Pick<EventOf<'content.completed'>['data'], 'text' | 'artifact'>;

type Settled = Omit<Reply, keyof Said> & { readonly said: Said };

export interface Waiting {
  readonly messageId: MessageId;
  readonly tenant: string;
  /** Number of an event before the message was sent. */
  readonly after: number;
  /** Rejections up to this number are over: the message was sent again since. */
  readonly rejectedUntil: number;
  readonly ms: number;
}

/**
 * The reply to a message, whichever turn takes it in; undefined where it takes longer.
 * @throws what the session rejected the message with; not_found where it was removed from the queue; idempotency_conflict where another one came first under its id
 */
export async function waitForReply(
  deps: ApiDeps,
  sessionId: SessionId,
  { messageId, tenant, after, rejectedUntil, ms }: Waiting,
): Promise<Reply | undefined> {
  const signal = AbortSignal.timeout(ms);
  const stop = new AbortController();
  const watch = new ReplyWatch(messageId, {
    rejectedUntil,
    overtaken: (content) => deps.messagesSent.overtaken(sessionId, messageId, content),
  });
  const sink = {
    write: (events: readonly { event: PerdureEvent }[]) => {
      for (const { event } of events) if (watch.take(event)) stop.abort();
    },
    ready: () => Promise.resolve(),
  };
  const follow = { after, sink, signal: AbortSignal.any([signal, stop.signal]) };
  await deps.feeds.follow(sessionId, follow).catch((error: unknown) => {
    // The message is sent; that its reply cannot be seen now does not undo that.
    deps.log.warn({ err: error, sessionId, messageId }, 'waiting for a reply broke off');
  });
  if (watch.refusal) throw watch.refusal;
  if (!watch.settled) return undefined;
  const { said, ...reply } = watch.settled;
  return { ...reply, ...(await wholeText(deps, tenant, said)) };
}

/** The answer is told even where its bytes cannot be read now. */
async function wholeText(
  { journal, log }: ApiDeps,
  tenant: string,
  { text = '', artifact }: Said,
): Promise<Pick<Reply, 'text' | 'artifact'>> {
  if (!artifact) return { text };
  if (artifact.bytes > MAX_REPLY_BYTES) return { text, artifact };
  const found = await journal.artifacts.get(tenant, artifact.artifact).catch((err: unknown) => {
    log.warn({ err, artifact: artifact.artifact }, 'the text of a reply could not be read');
  });
  return found ? { text: new TextDecoder().decode(found.bytes) } : { text, artifact };
}

interface Sender {
  readonly rejectedUntil: number;
  readonly overtaken: (content: readonly Part[]) => PerdureError | undefined;
}

class ReplyWatch {
  readonly #messageId: MessageId;
  readonly #sender: Sender;
  #takenIn = false;
  #turn: MessageId | undefined;
  readonly #said = new Map<MessageId, Said>();
  settled: Settled | undefined;
  refusal: PerdureError | undefined;

  constructor(messageId: MessageId, sender: Sender) {
    this.#messageId = messageId;
    this.#sender = sender;
  }

  /** @returns true once everything is known */
  take(event: PerdureEvent): boolean {
    if (event.type === 'message.accepted' && event.data.messageId === this.#messageId)
      this.#turn = event.turn;
    if (event.type === 'message.queued' || event.type === 'message.accepted') this.#compare(event);
    if (event.type === 'message.rejected' && this.#isNow(event)) this.#reject(event.data);
    // The client's SDK says the same of it.
    if (event.type === 'message.removed' && this.#isNow(event))
      this.refusal = new PerdureError('not_found', 'The message was removed from the queue.');
    if (event.type === 'content.completed' && event.data.kind === 'text' && event.turn)
      this.#said.set(event.turn, event.data);
    if (event.type === 'turn.settled' && event.turn && event.turn === this.#turn)
      this.settled = this.#settledBy(event, event.turn);
    return this.settled !== undefined || this.refusal !== undefined;
  }

  #isNow({ seq, data }: PerdureEvent & { data: { messageId: MessageId } }): boolean {
    return data.messageId === this.#messageId && seq > this.#sender.rejectedUntil;
  }

  /** Once: what was taken in may be edited while it waits. */
  #compare(event: EventOf<'message.queued' | 'message.accepted'>): void {
    if (this.#takenIn || !this.#isNow(event)) return;
    this.#takenIn = true;
    this.refusal = this.#sender.overtaken(event.data.content);
  }

  #reject(rejected: EventOf<'message.rejected'>['data']): void {
    // It is about the other one of two messages, and which of them this is, is known when the session takes the first one in.
    if (isOfAnother(rejected)) return;
    this.refusal = new PerdureError(rejected.error.code, rejected.error.message);
  }

  #settledBy({ data }: EventOf<'turn.settled'>, turn: MessageId): Settled {
    const { outcome, usage, costUsd } = data;
    const said = this.#said.get(turn) ?? {};
    return { turn, outcome, said, usage, costUsd, ...('error' in data && { error: data.error }) };
  }
}
