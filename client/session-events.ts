/** What a session says: its events as they are, and folded into the conversation. */
import type { Content } from '../contracts/content.ts';
import type { PerdureEvent } from '../contracts/events.ts';
import type { MessageId, SessionId } from '../contracts/ids.ts';
import type { ConversationView } from '../contracts/projections/conversation.ts';
import { EMPTY_CONVERSATION, foldEvent } from '../contracts/projections/turns.ts';
import { withStoredContent } from './artifacts.ts';
import type { Calls } from './calls.ts';
import { eventPage } from './events/poll.ts';
import { resumed } from './events/resume.ts';
import type { FollowOptions } from './events/resume.ts';
import { replyTo } from './settled.ts';
import type { FollowStep, Reply } from './settled.ts';

export interface ViewOptions extends FollowOptions {
  /** A view that the caller has already, continued from its last event. */
  readonly from?: ConversationView | undefined;
}

export interface SettledOptions extends FollowOptions {
  /** What was sent under the id: told apart from what somebody else sent under it. */
  readonly sent?: Content | undefined;
}

export function sessionEvents(calls: Calls, sessionId: SessionId) {
  const { connection, transport, read } = calls;
  /**
   * Every event after `after`, each once, in order, across reconnects; goes on until `signal` aborts or the caller stops.
   * @throws {PerdureError} `not_found`, `unauthenticated`, `cursor_expired` …
   */
  const events = (options: FollowOptions = {}): AsyncGenerator<PerdureEvent, void, undefined> =>
    resumed(transport, sessionId, options);

  /** The events there are by now, page by page; then it ends. */
  async function* history({ after = 0, signal }: FollowOptions = {}): AsyncGenerator<PerdureEvent> {
    for (let last = after; ;) {
      const page = await read((limit) => {
        return eventPage(connection, { sessionId, after: last, signal: limit });
      }, signal);
      yield* page.events;
      if (page.nextAfter <= last) return;
      last = page.nextAfter;
    }
  }

  /**
   * Each event with the conversation after it. Text of superseded attempts is not in it, whatever had been streamed; text that only an
   * artifact has is, from its `content.completed` on.
   */
  async function* follow({
    from = EMPTY_CONVERSATION,
    ...options
  }: ViewOptions = {}): AsyncGenerator<FollowStep> {
    let view = from;
    for await (const event of events({ after: from.session.lastSeq, ...options })) {
      view = foldEvent(view, event);
      if (event.type === 'content.completed' && event.data.artifact)
        view = await withStoredContent(calls, view, options);
      yield { event, view };
    }
  }

  /** The conversation as it is now: every turn with its text and tool calls, and the queue. */
  async function view({
    from = EMPTY_CONVERSATION,
    ...options
  }: ViewOptions = {}): Promise<ConversationView> {
    const { signal } = options;
    let folded = from;
    for await (const event of history({ after: from.session.lastSeq, signal })) {
      folded = foldEvent(folded, event);
    }
    return withStoredContent(calls, folded, options);
  }

  /**
   * The reply to a message, once its turn is settled; at once where it is already.
   * @param options.after number of an event before the message, to spare reading the whole log
   * @throws {PerdureError} where the session rejected it, ended first, or it was removed from the queue; `idempotency_conflict` where
   *   another content than `options.sent` stands under the id
   */
  async function onceSettled(
    messageId: MessageId,
    { sent, ...options }: SettledOptions = {},
  ): Promise<Reply> {
    const reply = await replyTo(messageId, follow(options), sent);
    if (reply) return reply;
    throw options.signal?.reason ?? new Error('The stream of events ended by itself.');
  }

  return { events, history, follow, view, onceSettled };
}
