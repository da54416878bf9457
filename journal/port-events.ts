/** The journal's port: the log of events, and what is read from it. Import it from port.ts. */
import type { Fact } from '../contracts/activities.ts';
import type { Part } from '../contracts/content.ts';
import type { PerdureEvent } from '../contracts/events.ts';
import type { MessageId, SessionId } from '../contracts/ids.ts';
import type { BusyPolicy } from '../contracts/session-state.ts';
import type { TranscriptMessage } from '../contracts/transcript.ts';

export interface EventPage {
  readonly events: readonly PerdureEvent[];
  /** The range of numbers that this page accounts for: everything in it that is not in `events` was pruned. */
  readonly from: number;
  readonly to: number;
  readonly nextAfter: number;
}

/** A transcript at one moment, from its newest summary on. Not to be changed, nor built by hand. */
export interface KnownTranscript {
  readonly rows: readonly TranscriptMessage[];
  /** Positions after this one are what `rows` shows. */
  readonly from: number;
  /** The session's last number at that moment. */
  readonly through: number;
  /** How often rows had been taken out; undefined before anything was read. */
  readonly cuts: number | undefined;
}

/** A message that waits for a turn. */
export interface QueuedRow {
  readonly messageId: MessageId;
  readonly policy: BusyPolicy;
  readonly content: readonly Part[];
  /** ISO 8601. */
  readonly at: string;
}

/** A person's message as the session knows it. */
export type KnownMessage =
  | { readonly state: 'waiting'; readonly content: readonly Part[]; readonly policy: BusyPolicy }
  | { readonly state: 'accepted'; readonly content: readonly Part[]; readonly turn: MessageId }
  /** From the queue, before a turn took it in. */
  | { readonly state: 'removed' };

export interface EventLog {
  /** Facts that a workflow decided, each at most once by its key. Applies `message.queued` / `edited` / `removed` / `rejected` to the messages table. */
  record(sessionId: SessionId, facts: readonly Fact[]): Promise<void>;
  read(
    sessionId: SessionId,
    options: {
      after: number;
      limit: number;
      types?: readonly PerdureEvent['type'][] | undefined;
    },
  ): Promise<EventPage>;
  /**
   * Everything after `after`, then what comes, in order, each once; ends when `signal` aborts. Attaches before it reads the backlog.
   * @throws cursor_expired where `after` lies before what is kept
   */
  tail(
    sessionId: SessionId,
    options: { after: number; signal: AbortSignal },
  ): AsyncIterable<readonly PerdureEvent[]>;
  /** In order, summaries among what they stand for. */
  transcript(
    sessionId: SessionId,
    options?: { after?: number; limit?: number },
  ): Promise<readonly TranscriptMessage[]>;
  /**
   * The transcript as a model is sent it: the newest summary, then what it does not speak of.
   * @param known an earlier answer for this session: only what came since is read, and rows that are still there are the same objects; where
   *   something else changed it is all read again. What is answered does not depend on it.
   * @throws not_found
   */
  compacted(sessionId: SessionId, known?: KnownTranscript): Promise<KnownTranscript>;
  /** Messages that wait for a turn, in the order of the queue. */
  queued(sessionId: SessionId): Promise<readonly QueuedRow[]>;
  /** Undefined where the session has taken in none with this id, nor queued one; a rejected one may come again. */
  message(sessionId: SessionId, messageId: MessageId): Promise<KnownMessage | undefined>;
  /** Deltas of turns settled more than `olderThanMs` ago. @returns the number of rows removed */
  prune(options: { olderThanMs: number; limit: number }): Promise<number>;
}
