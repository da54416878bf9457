/**
 * A session's row as a pure fold over its events, so that it can be rebuilt at any time. Types and functions only, no zod:
 * any process may load it.
 */
import type { Part } from '../content.ts';
import type { ErrorInfo } from '../errors.ts';
import type { EventData, EventOf, EventType, PerdureEvent } from '../events.ts';
import type { ApprovalId, CallId, MessageId } from '../ids.ts';
import { isClosed } from '../session-state.ts';
import type { EndReason, SessionState } from '../session-state.ts';
import { addSpend, NO_SPEND } from '../usage.ts';
import type { Spend } from '../usage.ts';

/** What changes with a fact of the session's life: a few times a turn, never with a delta. */
export interface SessionDetails {
  readonly agent: string;
  readonly model: string;
  readonly workspace: string | null;
  readonly context: string | null;
  /** How its first message begins, for a list. Absent before it, and in rows of sessions that began before there was this field. */
  readonly title?: string | undefined;
  /** Id of the open turn. */
  readonly turn: MessageId | null;
  /** Number of the event that opened the newest turn. */
  readonly turnSeq: number;
  /** Messages waiting for their turn, in the order of the queue. */
  readonly queue: readonly MessageId[];
  /**
   * Number of the event that began the session's present life: its creation, or when it was last reopened. Absent in rows that were last
   * written before there was this field.
   */
  readonly lifeSeq?: number | undefined;
  /** Calls that somebody outside the worker has to answer. */
  readonly awaited: readonly CallId[];
  /** Approvals that a person has not decided. Absent before the first one. */
  readonly approvals?: readonly ApprovalId[] | undefined;
  readonly turns: number;
  readonly spend: Spend;
  readonly endReason: EndReason | null;
  readonly error: ErrorInfo | null;
  /** ISO 8601, as all times here. */
  readonly createdAt: string;
  readonly startedAt: string | null;
  readonly endedAt: string | null;
}

/**
 * The first three change with every event and are cheap to store; `details` keeps its identity where nothing in it changed,
 * so that a writer can tell by `===` whether it has to be stored again.
 */
export interface SessionProjection {
  readonly state: SessionState;
  readonly lastSeq: number;
  readonly updatedAt: string;
  readonly details: SessionDetails;
}

/** Before the first event. */
export const EMPTY_SESSION: SessionProjection = {
  state: 'starting',
  lastSeq: 0,
  updatedAt: '',
  details: {
    agent: '',
    model: '',
    workspace: null,
    context: null,
    turn: null,
    turnSeq: 0,
    queue: [],
    awaited: [],
    turns: 0,
    spend: NO_SPEND,
    endReason: null,
    error: null,
    createdAt: '',
    startedAt: null,
    endedAt: null,
  },
};

interface Change {
  readonly state?: SessionState;
  readonly details?: Partial<SessionDetails>;
}
type Fold<T extends EventType> = (before: SessionProjection, event: EventOf<T>) => Change;

const without = <T>(list: readonly T[], item: T): readonly T[] =>
  list.filter((other) => other !== item);

/** Events that are not here change only the number and the time. */
const FOLDS: { [T in EventType]?: Fold<T> } = {
  'session.created': (_, { seq, at, data }) => ({
    state: 'starting',
    details: { ...data, createdAt: at, lifeSeq: seq },
  }),
  'session.state': (_, { data }) => ({ state: data.state }),
  'session.ended': ({ details }, { at, data }) => ({
    state: data.reason === 'error' ? 'error' : 'ended',
    details: {
      endReason: data.reason,
      error: data.error ?? null,
      endedAt: at,
      ...endOfTurn(details),
    },
  }),
  'session.reopened': (_, { seq }) => ({
    state: 'waiting',
    details: { endReason: null, error: null, endedAt: null, lifeSeq: seq },
  }),
  'context.changed': (_, { data }) => ({ details: data }),

  'message.queued': ({ details }, { data }) => ({
    details: { queue: [...without(details.queue, data.messageId), data.messageId] },
  }),
  'message.edited': ({ details }, { data: { messageId, position } }) =>
    position === undefined || !details.queue.includes(messageId)
      ? {}
      : {
          details: {
            queue: without(details.queue, messageId).toSpliced(position, 0, messageId),
          },
        },
  'message.accepted': (before, event) => named(leaveQueue(before, event), before, event),
  'message.removed': leaveQueue,
  'message.rejected': (before, event) => (isOfAnother(event.data) ? {} : leaveQueue(before, event)),

  'turn.started': ({ details }, event) => ({
    state: 'running',
    details: {
      turn: event.turn ?? null,
      turnSeq: event.seq,
      turns: details.turns + 1,
      startedAt: details.startedAt ?? event.at,
    },
  }),
  // One that a limit ended is settled by the workflow, whose word may come after the beginning of the next turn.
  'turn.settled': ({ details }, { turn }) =>
    details.turn === null || turn === details.turn
      ? { state: 'waiting', details: endOfTurn(details) }
      : {},

  'content.delta': () => ({ state: 'streaming' }),
  'model.settled': stopStreaming,
  'attempt.superseded': stopStreaming,
  'model.switched': (_, { data }) =>
    data.reason === 'requested' ? { details: { model: data.to } } : {},

  'tool.requested': ({ details, state }, { data }) =>
    data.mode === 'client' || data.mode === 'remote'
      ? {
          state: state === 'waiting_for_approval' ? 'waiting_for_approval' : 'waiting_for_tools',
          details: { awaited: [...details.awaited, data.callId as CallId] },
        }
      : {},
  'tool.settled': ({ details, state }, { data }) => {
    const awaited = without(details.awaited, data.callId as CallId);
    if (awaited.length === details.awaited.length) return {};
    const done = awaited.length === 0 && state === 'waiting_for_tools';
    return { state: done ? 'running' : state, details: { awaited } };
  },

  'approval.opened': ({ details: { approvals = [] } }, { data }) => ({
    state: 'waiting_for_approval',
    details: { approvals: [...approvals, data.approvalId] },
  }),
  'approval.settled': ({ details, state }, { data }) => {
    const approvals = without(details.approvals ?? [], data.approvalId);
    const done = approvals.length === 0 && state === 'waiting_for_approval';
    const next = details.awaited.length === 0 ? 'running' : 'waiting_for_tools';
    return { state: done ? next : state, details: { approvals } };
  },

  'usage.recorded': ({ details }, { data }) => ({
    details: { spend: addSpend(details.spend, data) },
  }),
};

/** What nobody waits for any more. Sessions that never asked have no field for approvals: their rows stay as they were. */
const endOfTurn = ({ approvals }: SessionDetails): Partial<SessionDetails> => ({
  turn: null,
  awaited: [],
  ...(approvals ? { approvals: [] } : {}),
});

/** The refusal of another message under an id that was taken: the message that has the id stays as it is. */
export const isOfAnother = ({ error }: EventData<'message.rejected'>): boolean =>
  error.code === 'idempotency_conflict';

function leaveQueue(
  { details }: SessionProjection,
  { data }: { readonly data: { readonly messageId: MessageId } },
): Change {
  const queue = without(details.queue, data.messageId);
  return queue.length === details.queue.length ? {} : { details: { queue } };
}

const TITLE_CHARACTERS = 80;

function named(
  change: Change,
  { details }: SessionProjection,
  { data: { content } }: EventOf<'message.accepted'>,
): Change {
  if (details.title !== undefined) return change;
  const title = beginningOf(content);
  return title === '' ? change : { ...change, details: { ...change.details, title } };
}

/** On one line; a file says its name. */
function beginningOf(content: readonly Part[]): string {
  const words = content.map((part) => (part.type === 'text' ? part.text : (part.name ?? '')));
  const line = words.join(' ').replace(/\s+/g, ' ').trim();
  const characters = Array.from(line.slice(0, 4 * TITLE_CHARACTERS));
  if (characters.length <= TITLE_CHARACTERS) return line;
  return `${characters
    .slice(0, TITLE_CHARACTERS - 1)
    .join('')
    .trimEnd()}…`;
}

function stopStreaming({ state }: SessionProjection): Change {
  return state === 'streaming' ? { state: 'running' } : {};
}

/** An ended session stays ended, whatever an attempt still says that was not stopped in time. */
const REVIVE: ReadonlySet<EventType> = new Set(['session.reopened', 'session.state']);

/** The projection after one more event. */
export function foldSession(before: SessionProjection, event: PerdureEvent): SessionProjection {
  const fold = FOLDS[event.type] as Fold<EventType> | undefined;
  const change = fold?.(before, event) ?? {};
  const mayMove = !isClosed(before.state) || REVIVE.has(event.type);
  return {
    state: mayMove ? (change.state ?? before.state) : before.state,
    lastSeq: event.seq,
    updatedAt: event.at,
    details: change.details ? { ...before.details, ...change.details } : before.details,
  };
}
