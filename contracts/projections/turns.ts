/**
 * The client's fold: events → the conversation on the screen. Pure, no zod: browser, terminal and tests load it.
 *
 * Law: after any crash the log folds to what it would have folded to without it. So of a step's attempts only the newest
 * counts, `content.completed` replaces the deltas of its attempt and kind (which may have been pruned), and an event whose number
 * was already seen changes nothing. Where the whole is in an artifact, stored-content.ts tells what the reader still has to fetch.
 */
import type { EventData, EventOf, EventType, PerdureEvent } from '../events.ts';
import type { MessageId } from '../ids.ts';
import type {
  ApprovalView,
  ConversationView,
  QueuedMessageView,
  StepView,
  ToolCallView,
  TurnView,
} from './conversation.ts';
import { EMPTY_SESSION, foldSession, isOfAnother } from './session.ts';
import { wholeText } from './stored-content.ts';

/** Before the first event. */
export const EMPTY_CONVERSATION: ConversationView = {
  session: EMPTY_SESSION,
  turns: [],
  queue: [],
  rejected: [],
  warning: null,
};

type Change = Partial<Omit<ConversationView, 'session'>>;
type Fold<T extends EventType> = (view: ConversationView, event: EventOf<T>) => Change;

/** Events that are not here, and types that this version does not know, change only `session`. */
const FOLDS: { [T in EventType]?: Fold<T> } = {
  'session.warning': (_, { data }) => ({
    warning: data.withdrawn ? null : { reason: data.reason, endsAt: data.endsAt },
  }),
  'session.ended': () => ({ warning: null }),

  'message.queued': ({ queue }, { at, data }) => ({
    queue: [...dropped(queue, data.messageId), { ...data, at }],
  }),
  'message.edited': ({ queue }, { data }) => ({ queue: edited(queue, data) }),
  'message.removed': ({ queue }, { data }) => ({ queue: dropped(queue, data.messageId) }),
  'message.rejected': ({ queue, rejected }, { data }) => ({
    queue: isOfAnother(data) ? queue : dropped(queue, data.messageId),
    rejected: [...rejected, data],
  }),
  'message.accepted': (view, event) => ({
    queue: dropped(view.queue, event.data.messageId),
    ...inTurn(view, event, (turn) => accepted(turn, event)),
  }),

  'turn.started': (view, event) =>
    inTurn(view, event, (turn) => ({ ...turn, startedAt: event.at })),
  'turn.settled': (view, event) => inTurn(view, event, (turn) => settled(turn, event)),

  'model.started': (view, event) =>
    inStep(view, event, (step) => ({
      ...step,
      ...event.data,
      ...{ retry: null, outcome: null, error: null },
    })),
  'content.delta': (view, event) => inStep(view, event, (step) => extended(step, event.data)),
  'content.completed': (view, event) => inStep(view, event, (step) => completed(step, event.data)),
  'model.settled': (view, { data, ...envelope }) =>
    inStep(view, envelope, (step) => ({
      ...step,
      outcome: data.outcome,
      error: data.outcome === 'failed' ? data.error : null,
    })),
  'model.retrying': (view, event) =>
    inStep(view, event, (step) => ({ ...step, retry: event.data })),
  'attempt.superseded': (view, event) =>
    inTurn(view, event, (turn) => withoutAttempt(turn, event.step, event.data.attempt)),

  'tool.requested': (view, event) =>
    inStep(view, event, (step) => ({ ...step, calls: [...step.calls, requested(event.data)] })),
  'tool.started': (view, { turn, data }) =>
    inCall(view, { turn, callId: data.callId }, (call) => ({
      ...call,
      state: 'running',
      runner: data.runner ?? null,
    })),
  'tool.progress': (view, { turn, data }) =>
    inCall(view, { turn, callId: data.callId }, (call) => ({
      ...call,
      progress: { message: data.message, fraction: data.fraction ?? null },
    })),
  'tool.settled': (view, { turn, data }) =>
    inCall(view, { turn, callId: data.callId }, (call) => ({
      ...call,
      state: 'settled',
      settlement: data,
    })),

  'approval.opened': (view, { turn, data }) =>
    inCall(view, { turn, callId: data.callId }, (call) => ({ ...call, approval: opened(data) })),
  'approval.settled': (view, { turn, data }) =>
    inCall(view, { turn, callId: data.callId }, (call) => ({
      ...call,
      approval: call.approval && { ...call.approval, settlement: data },
    })),
};

/** The view after one more event; the same view where the event's number was already seen. */
export function foldEvent(view: ConversationView, event: PerdureEvent): ConversationView {
  if (event.seq <= view.session.lastSeq) return view;
  const fold = FOLDS[event.type] as Fold<EventType> | undefined;
  return { ...view, ...fold?.(view, event), session: foldSession(view.session, event) };
}

/** The view after many events, in the order of their numbers; `from` continues an earlier view. */
export const foldEvents = (
  events: Iterable<PerdureEvent>,
  from: ConversationView = EMPTY_CONVERSATION,
): ConversationView => {
  let view = from;
  for (const event of events) view = foldEvent(view, event);
  return view;
};

// ── the queue ─────────────────────────────────────────────────────────────────────────────────────────────────────────

const dropped = (queue: readonly QueuedMessageView[], messageId: MessageId) =>
  queue.filter((message) => message.messageId !== messageId);

function edited(
  queue: readonly QueuedMessageView[],
  { messageId, position, content, policy }: EventData<'message.edited'>,
): readonly QueuedMessageView[] {
  const index = queue.findIndex((message) => message.messageId === messageId);
  const before = queue[index];
  if (!before) return queue;
  const after = {
    ...before,
    ...(content && { content }),
    ...(policy && { policy }),
  };
  return dropped(queue, messageId).toSpliced(position ?? index, 0, after);
}

// ── turns and steps ───────────────────────────────────────────────────────────────────────────────────────────────────

/** The part of the envelope that says where an event belongs. */
interface Place {
  readonly turn?: MessageId | undefined;
  readonly step?: number | undefined;
  readonly attempt?: number | undefined;
  readonly at: string;
}

/** Changes the event's turn, which the first event of a turn opens; an event of no turn changes nothing. */
function inTurn(
  { turns }: ConversationView,
  { turn: id, at }: Place,
  change: (turn: TurnView) => TurnView,
): Change {
  if (id === undefined) return {};
  const index = turns.findLastIndex((turn) => turn.turn === id);
  const before = turns[index];
  if (before) return { turns: turns.with(index, change(before)) };
  const opened: TurnView = {
    turn: id,
    messages: [],
    steps: [],
    outcome: null,
    error: null,
    spend: null,
    startedAt: at,
    settledAt: null,
  };
  return { turns: [...turns, change(opened)] };
}

const emptyStep = (step: number, attempt: number): StepView => ({
  step,
  attempt,
  provider: null,
  model: null,
  blocks: [],
  calls: [],
  retry: null,
  outcome: null,
  error: null,
});

/** Changes the event's step. A newer attempt starts it afresh, and with it all that followed; an older one changes nothing. */
const inStep = (view: ConversationView, place: Place, change: (step: StepView) => StepView) =>
  inTurn(view, place, (turn) => {
    const number = place.step ?? 1;
    const before = turn.steps.find((step) => step.step === number);
    const attempt = place.attempt ?? before?.attempt ?? 0;
    if (before && attempt < before.attempt) return turn;
    if (before && attempt === before.attempt) {
      return { ...turn, steps: turn.steps.with(turn.steps.indexOf(before), change(before)) };
    }
    const fresh = { ...emptyStep(number, attempt), retry: before?.retry ?? null };
    const kept = turn.steps.filter((step) => step.step < number);
    return { ...reopened(turn, before), steps: [...kept, change(fresh)] };
  });

/** A turn goes on when one of its steps does. */
const reopened = (turn: TurnView, again: StepView | undefined): TurnView =>
  again ? { ...turn, outcome: null, error: null, spend: null, settledAt: null } : turn;

/** Voids what an attempt of a step left, and the steps that were built on it. */
function withoutAttempt(turn: TurnView, number: number | undefined, attempt: number): TurnView {
  const before = turn.steps.find((step) => step.step === number);
  if (!before || before.attempt > attempt) return turn;
  const kept = turn.steps.filter((step) => step.step < before.step);
  return {
    ...reopened(turn, before),
    steps: [...kept, { ...emptyStep(before.step, attempt), retry: before.retry }],
  };
}

const accepted = (turn: TurnView, { step, at, data }: EventOf<'message.accepted'>): TurnView => ({
  ...turn,
  messages: [
    ...turn.messages.filter((message) => message.messageId !== data.messageId),
    { ...data, step: step ?? 1, at },
  ],
});

const settled = (turn: TurnView, { at, data }: EventOf<'turn.settled'>): TurnView => ({
  ...turn,
  steps: turn.steps.map((step) => (step.retry ? { ...step, retry: null } : step)),
  outcome: data.outcome,
  error: 'error' in data ? data.error : null,
  spend: { usage: data.usage, costUsd: data.costUsd },
  settledAt: at,
});

// ── content and tool calls ────────────────────────────────────────────────────────────────────────────────────────────

function extended(step: StepView, { kind, text }: EventData<'content.delta'>): StepView {
  const last = step.blocks.at(-1);
  if (last && !last.complete && last.kind === kind) {
    return {
      ...step,
      retry: null,
      blocks: step.blocks.with(step.blocks.length - 1, { ...last, text: last.text + text }),
    };
  }
  const block = { kind, text, artifact: null, complete: false };
  return { ...step, retry: null, blocks: [...step.blocks, block] };
}

function completed(
  step: StepView,
  { kind, text, artifact }: EventData<'content.completed'>,
): StepView {
  const streamed = step.blocks
    .filter((block) => !block.complete && block.kind === kind)
    .map((block) => block.text)
    .join('');
  const said = text ?? (artifact ? wholeText(streamed, artifact) : '');
  const whole = { kind, text: said, artifact: artifact ?? null, complete: true };
  const done = step.blocks.filter((block) => block.complete);
  const live = step.blocks.filter((block) => !block.complete && block.kind !== kind);
  return { ...step, retry: null, blocks: [...done, whole, ...live] };
}

const requested = (data: EventData<'tool.requested'>): ToolCallView => ({
  callId: data.callId,
  name: data.name,
  mode: data.mode,
  effect: data.effect,
  arguments: data.arguments,
  artifact: data.artifact ?? null,
  state: 'requested',
  runner: null,
  approval: null,
  progress: null,
  settlement: null,
});

const opened = (data: EventData<'approval.opened'>): ApprovalView => ({
  approvalId: data.approvalId,
  rule: data.rule,
  reason: data.reason ?? null,
  preview: data.preview ?? null,
  expiresAt: data.expiresAt,
  settlement: null,
});

/** Changes a call wherever it is; a call of a voided attempt is nowhere. */
function inCall(
  { turns }: ConversationView,
  { turn: id, callId }: { readonly turn: MessageId | undefined; readonly callId: string },
  change: (call: ToolCallView) => ToolCallView,
): Change {
  const has = (step: StepView) => step.calls.some((call) => call.callId === callId);
  const index = turns.findLastIndex(
    (turn) => (id ?? turn.turn) === turn.turn && turn.steps.some(has),
  );
  const turn = turns[index];
  if (!turn) return {};
  const steps = turn.steps.map((step) =>
    has(step)
      ? { ...step, calls: step.calls.map((call) => (call.callId === callId ? change(call) : call)) }
      : step,
  );
  return { turns: turns.with(index, { ...turn, steps }) };
}

// ── text ──────────────────────────────────────────────────────────────────────────────────────────────────────────────

/** What the model said in a step, without its reasoning. */
export const textOfStep = (step: StepView): string =>
  step.blocks
    .filter((block) => block.kind === 'text')
    .map((block) => block.text)
    .join('');

/** What the model said in a turn, its steps separated by an empty line. */
export const textOfTurn = (turn: TurnView): string =>
  turn.steps.map(textOfStep).filter(Boolean).join('\n\n');
