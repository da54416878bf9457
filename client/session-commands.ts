/** What can be said to a session. */
import type { Content } from '../contracts/content.ts';
import { newId } from '../contracts/ids.ts';
import type { MessageId, SessionId } from '../contracts/ids.ts';
import type { QueueEdit } from '../contracts/session.ts';
import type { TranscriptMessage } from '../contracts/transcript.ts';
import type { BusyPolicy } from '../contracts/session-state.ts';
import type { Calls } from './calls.ts';

export interface CallOptions {
  readonly signal?: AbortSignal | undefined;
}

export interface SendOptions extends CallOptions {
  /** Made anew where absent. Sending the same id again is the same message. */
  readonly messageId?: MessageId | undefined;
  /** While a turn is open; `enqueue` where absent. */
  readonly policy?: BusyPolicy | undefined;
  /** Reopens the session where it has ended, instead of `session_closed`. */
  readonly reopen?: boolean | undefined;
}

/** All of them throw {@link PerdureError} for what the API refused and {@link NetworkError} once the client's `retryForMs` is over. */
export const sessionCommands = ({ call }: Calls, sessionId: SessionId) => ({
  /**
   * Sends a message: text, or parts. Broken connections and busy servers are waited out and the same message is sent again, which the
   * session takes once.
   * @throws {PerdureError} `not_found`, `session_closed`, `session_busy` (policy `reject`), `payload_too_large`, `queue_full` …
   */
  send: (content: Content, { signal, messageId = newId('msg'), ...rest }: SendOptions = {}) =>
    call(
      (trpc, options) =>
        trpc.session.send.mutate({ sessionId, content, messageId, ...defined(rest) }, options),
      signal,
    ),

  /** Stops the answer under way; the session goes on. With `turn` only that turn, so that a late call hits no other. */
  interrupt: (turn?: MessageId, { signal }: CallOptions = {}) =>
    call(
      (trpc, options) =>
        trpc.session.interrupt.mutate({ sessionId, ...defined({ turn }) }, options),
      signal,
    ),

  /** Ends the session. */
  stop: ({ signal }: CallOptions = {}) =>
    call((trpc, options) => trpc.session.stop.mutate({ sessionId }, options), signal),

  /** Goes on with an ended session, under its own id. */
  reopen: ({ signal }: CallOptions = {}) =>
    call((trpc, options) => trpc.session.reopen.mutate({ sessionId }, options), signal),

  /** Edits, removes, moves or promotes a waiting message. @throws {PerdureError} `not_found` where it no longer waits */
  editQueue: (edit: QueueEdit, { signal }: CallOptions = {}) =>
    call((trpc, options) => trpc.session.queue.edit.mutate({ sessionId, edit }, options), signal),

  /** Changes the model, by its name in the settings, for the steps to come. */
  useModel: (model: string, { signal }: CallOptions = {}) =>
    call((trpc, options) => trpc.session.reconfigure.mutate({ sessionId, model }, options), signal),

  /** The session as the journal has it. */
  get: ({ signal }: CallOptions = {}) =>
    call((trpc, options) => trpc.session.get.query({ sessionId }, options), signal),

  /** As `get`, with the workflow's own answer where it gives one within a second. */
  live: ({ signal }: CallOptions = {}) =>
    call((trpc, options) => trpc.session.get.query({ sessionId, live: true }, options), signal),

  /** Messages that wait for their turn. */
  queue: ({ signal }: CallOptions = {}) =>
    call((trpc, options) => trpc.session.queue.list.query({ sessionId }, options), signal),

  /** What was said, message by message, each page asked for when it is wanted. */
  async *transcript({ signal }: CallOptions = {}): AsyncGenerator<TranscriptMessage> {
    for (let after: number | null = 0; after !== null;) {
      const from: number = after;
      const page = await call((trpc, options) => {
        return trpc.session.transcript.query({ sessionId, after: from }, options);
      }, signal);
      // tRPC's types say that any unknown JSON may be absent.
      yield* page.messages as readonly TranscriptMessage[];
      after = page.nextAfter;
    }
  },
});

/** Without the fields that are undefined: the API refuses unknown ones, and JSON has no undefined. */
const defined = <T extends object>(fields: T): T =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as T;
