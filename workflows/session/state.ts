/** What a session's workflow knows: ids, sums and what it has not yet handed to the journal. Pure; one object a run, never shared. */
import type { Fact, IncomingMessage, ProgramRef } from '../../contracts/activities.ts';
import type { ApprovalOutcome } from '../../contracts/approvals.ts';
import type { ApprovalId, CallId, MessageId } from '../../contracts/ids.ts';
import {
  REMEMBERED_MESSAGE_IDS,
  REMEMBERED_UPDATES,
  type SessionLimits,
} from '../../contracts/limits.ts';
import type { QueuedMessage } from '../../contracts/session.ts';
import type { EndReason, SessionState } from '../../contracts/session-state.ts';
import { addSpend, NO_SPEND, type Spend } from '../../contracts/usage.ts';
import type { CarriedState, SessionStart } from './messages.ts';

/** A message in the queue; its content is in the journal as soon as `unrecorded` is 0. */
export interface QueueEntry {
  readonly messageId: MessageId;
  policy: QueuedMessage['policy'];
  /** Facts about it that are not in the journal yet: it must not join a step before they are. */
  unrecorded: number;
}

export interface OpenTurn {
  readonly id: MessageId;
  /** From 1. */
  step: number;
  /** Of the steps that have answered. */
  spend: Spend;
  /** True once the open step has answered, and so is part of `spend`. */
  stepCounted: boolean;
  /** What the open step accepts. */
  incoming: readonly IncomingMessage[];
  /** Calls without a result. */
  readonly pending: Set<CallId>;
  /** Calls of which the ledger has news; a client may answer before this workflow has heard of the call. */
  readonly news: Set<CallId>;
  /** What a person is asked about: the names of the tools. */
  readonly approvals: Map<ApprovalId, string>;
  /** What was decided; somebody may decide before this workflow has heard of the call. */
  readonly decided: Map<ApprovalId, ApprovalOutcome>;
}

export interface Session {
  readonly start: SessionStart;
  limits: SessionLimits;
  /** Chosen by a reconfiguration. */
  model: string | undefined;
  /** The last ids, oldest first, with a hash of what came under them in this run; undefined where that is in the journal, or was rejected. */
  readonly seen: Map<MessageId, number | undefined>;
  /** Which update each of the last idempotency keys stands for, oldest first. */
  readonly updates: Map<string, string>;
  /** Messages that open turns ahead of the queue, with their content: the first of an idle session, and interrupting ones. */
  readonly openers: IncomingMessage[];
  queue: QueueEntry[];
  /** A new run follows the end of this one. */
  reopening: boolean;
  /** What came while the session was ending, for the new run. */
  held: QueueEntry[];
  /** How many messages have come while the session was ending. */
  late: number;
  /** What came while the session was ending, and was told so. */
  readonly turnedAway: Set<MessageId>;
  /** Facts that wait for the next record. */
  outbox: Fact[];
  turn: OpenTurn | null;
  /** The program that answers, where the agent has one and it is there. */
  program: ProgramRef | null;
  /** Its own id of the conversation. */
  conversation: string | undefined;
  /** The program that went away with its worker, also where that was heard before its start was. */
  leftProgram: string | undefined;
  /** The open turn, or the one about to open, is to be sealed. */
  interrupting: boolean;
  ending: EndReason | null;
  ended: boolean;
  spend: Spend;
  turns: number;
  /** The last turn failed. */
  failed: boolean;
  /** Epoch milliseconds. */
  readonly startedAt: number;
  idleSince: number;
  warned: CarriedState['warned'];
  /** Counts changes of the time limits, after which the armed timer is wrong. */
  timerVersion: number;
  /** When it was last reconfigured; never, in this run, where 0. */
  decidedAt: number;
}

export function openSession(start: SessionStart, now: number): Session {
  const { carried } = start;
  const continued = start.origin === 'continue' ? carried : undefined;
  return {
    start,
    limits: start.limits,
    model: carried?.model,
    seen: new Map(carried?.seen.map((messageId) => [messageId, undefined])),
    updates: new Map(carried?.updates),
    openers: [],
    queue: (carried?.queue ?? []).map((entry) => ({ ...entry, unrecorded: 0 })),
    reopening: false,
    held: [],
    late: 0,
    turnedAway: new Set(),
    outbox: [],
    turn: null,
    program: continued?.program ?? null,
    conversation: continued?.conversation,
    leftProgram: undefined,
    interrupting: continued?.interrupting ?? false,
    ending: null,
    ended: false,
    spend: carried?.spend ?? NO_SPEND,
    turns: carried?.turns ?? 0,
    failed: carried?.failed ?? false,
    startedAt: continued?.startedAt ?? now,
    idleSince: continued?.idleSince ?? now,
    warned: continued?.warned ?? null,
    timerVersion: 0,
    decidedAt: 0,
  };
}

/** The next run's argument. Only between turns, when nothing waits to be recorded: content must not be lost. */
export const carryOver = (session: Session): SessionStart =>
  nextStart(session, 'continue', { queue: session.queue, seen: session.seen.keys() });

/** The argument of the run that follows a session's end. */
export const reopenedStart = (session: Session): SessionStart =>
  // What the ended run has refused may be sent again; what it has taken in, the journal knows.
  nextStart(session, 'reopen', {
    queue: session.held,
    seen: session.held.map(({ messageId }) => messageId),
  });

function nextStart(
  session: Session,
  origin: 'continue' | 'reopen',
  { queue, seen }: { queue: readonly QueueEntry[]; seen: Iterable<MessageId> },
): SessionStart {
  const { start, limits, model, updates } = session;
  const carried: CarriedState = {
    queue: viewOf(queue),
    seen: [...seen],
    spend: session.spend,
    turns: session.turns,
    startedAt: session.startedAt,
    idleSince: session.idleSince,
    warned: session.warned,
    ...(model === undefined ? {} : { model }),
    ...(session.failed ? { failed: true } : {}),
    ...(session.interrupting ? { interrupting: true } : {}),
    ...(updates.size === 0 ? {} : { updates: [...updates] }),
    ...(session.program === null ? {} : { program: session.program }),
    ...(session.conversation === undefined ? {} : { conversation: session.conversation }),
  };
  return { ...start, limits, origin, carried };
}

/** @returns false where the id was seen before. Forgets the oldest beyond the limit. */
export function remember(session: Session, messageId: MessageId, hash?: number): boolean {
  if (session.seen.has(messageId)) return false;
  session.seen.set(messageId, hash);
  forgetOldest(session.seen, REMEMBERED_MESSAGE_IDS);
  return true;
}

/** @returns false where this very update was made before */
export function rememberUpdate(session: Session, key: string, updateId: string): boolean {
  if (session.updates.get(key) === updateId) return false;
  session.updates.set(key, updateId);
  forgetOldest(session.updates, REMEMBERED_UPDATES);
  return true;
}

function forgetOldest<K>(all: Map<K, unknown>, limit: number): void {
  for (const oldest of all.keys()) {
    if (all.size <= limit) return;
    all.delete(oldest);
  }
}

export function openTurn(session: Session, opener: IncomingMessage): OpenTurn {
  const turn: OpenTurn = {
    id: opener.messageId,
    step: 1,
    spend: NO_SPEND,
    stepCounted: false,
    incoming: [opener],
    pending: new Set(),
    news: new Set(),
    approvals: new Map(),
    decided: new Map(),
  };
  session.turn = turn;
  session.turns += 1;
  session.failed = false;
  // What still waits to open a turn at once interrupts this one.
  session.interrupting ||= session.openers.length > 0;
  return turn;
}

export function closeTurn(session: Session, now: number): void {
  session.turn = null;
  session.interrupting = false;
  session.idleSince = now;
}

/** Adds what the open step spent, once. */
export function countStep(session: Session, turn: OpenTurn, spend: Spend): void {
  if (turn.stepCounted) return;
  turn.stepCounted = true;
  turn.spend = addSpend(turn.spend, spend);
  session.spend = addSpend(session.spend, spend);
}

export function nextStep(turn: OpenTurn, incoming: readonly IncomingMessage[]): void {
  turn.step += 1;
  turn.stepCounted = false;
  turn.incoming = incoming;
}

/** True where a message would not be answered at once. */
export const isBusy = (session: Session): boolean => session.turn !== null || hasWork(session);

/** True where a turn can be opened. */
export const hasWork = (session: Session): boolean =>
  session.openers.length > 0 || session.queue.length > 0;

const viewOf = (queue: readonly QueueEntry[]): QueuedMessage[] =>
  queue.map(({ messageId, policy }) => ({ messageId, policy }));

export const queueView = (session: Session): QueuedMessage[] => viewOf(session.queue);

export function stateOf(session: Session): SessionState {
  if (session.ended) return 'ended';
  if (session.turn && session.turn.approvals.size > 0) return 'waiting_for_approval';
  if (session.turn && session.turn.pending.size > 0) return 'waiting_for_tools';
  return isBusy(session) ? 'running' : 'waiting';
}
