// Random event logs of a session, told twice: as it would have gone without a fault, and as it went.
import fc from 'fast-check';
import { EVENT_VERSION } from '../../contracts/events.ts';
import type { NewEvent, PerdureEvent } from '../../contracts/events.ts';
import { newId } from '../../contracts/ids.ts';
import type { MessageId, SessionId } from '../../contracts/ids.ts';
import { NO_USAGE } from '../../contracts/usage.ts';

export const SESSION: SessionId = newId('ses');
const AT = '2026-11-21T00:00:00.000Z';

interface Chunk {
  readonly kind: 'text' | 'reasoning';
  readonly text: string;
}
/** An attempt that came to nothing: what it had streamed, and whether the provider or the worker failed. */
interface LostAttempt {
  readonly chunks: readonly Chunk[];
  readonly calls: number;
  readonly cause: 'crash' | 'provider';
}
interface StepScript {
  readonly chunks: readonly Chunk[];
  readonly calls: number;
  readonly lost: readonly LostAttempt[];
}
export interface TurnScript {
  readonly id: MessageId;
  readonly steps: readonly StepScript[];
  readonly queuedBefore: boolean;
}

const chunk: fc.Arbitrary<Chunk> = fc.record({
  kind: fc.constantFrom('text', 'reasoning'),
  text: fc.string({ minLength: 1, maxLength: 4 }),
});
const chunks = fc.array(chunk, { minLength: 1, maxLength: 6 });
const lost: fc.Arbitrary<LostAttempt> = fc.record({
  chunks,
  calls: fc.nat(2),
  cause: fc.constantFrom('crash', 'provider'),
});
const step: fc.Arbitrary<StepScript> = fc.record({
  chunks,
  calls: fc.nat(2),
  lost: fc.array(lost, { maxLength: 2 }),
});
const turn: fc.Arbitrary<TurnScript> = fc.record({
  id: fc.constant(0).map(() => newId('msg')),
  steps: fc.array(step, { minLength: 1, maxLength: 3 }),
  queuedBefore: fc.boolean(),
});
export const turnScripts = fc.array(turn, { minLength: 1, maxLength: 4 });

type Placed = NewEvent & Partial<Pick<PerdureEvent, 'turn' | 'step' | 'attempt'>>;

/** Numbers the events as the journal would. */
export const numbered = (events: readonly Placed[], from = 1): PerdureEvent[] =>
  events.map((event, index) => ({
    v: EVENT_VERSION,
    sessionId: SESSION,
    seq: from + index,
    at: AT,
    ...event,
  }));

/** `faults: false` leaves out the lost attempts: the log of the same conversation on a day when nothing broke. */
export function logOf(
  turns: readonly TurnScript[],
  { faults }: { readonly faults: boolean },
): PerdureEvent[] {
  const created: Placed = {
    type: 'session.created',
    data: { agent: 'a', model: 'm', workspace: null, context: null },
  };
  return numbered([created, ...turns.flatMap((turn) => turnEvents(turn, faults))]);
}

function turnEvents({ id, steps, queuedBefore }: TurnScript, faults: boolean): Placed[] {
  const message = {
    messageId: id,
    content: [{ type: 'text' as const, text: `question ${id}` }],
    policy: 'enqueue' as const,
  };
  const queued: Placed[] = queuedBefore ? [{ type: 'message.queued', data: message }] : [];
  return [
    ...queued,
    { type: 'message.accepted', data: message, turn: id, step: 1 },
    { type: 'turn.started', data: {}, turn: id },
    ...steps.flatMap((step, index) =>
      stepEvents(step, { turn: id, step: index + 1 }, { faults, last: index === steps.length - 1 }),
    ),
    {
      type: 'turn.settled',
      data: { outcome: 'completed', usage: NO_USAGE, costUsd: 0 },
      turn: id,
      step: steps.length,
    },
  ];
}

interface StepPlace {
  readonly turn: MessageId;
  readonly step: number;
}

function stepEvents(
  step: StepScript,
  place: StepPlace,
  { faults, last }: { readonly faults: boolean; readonly last: boolean },
): Placed[] {
  const failed = faults ? step.lost : [];
  const kept = { ...place, attempt: failed.length + 1 };
  return [
    ...failed.flatMap((attempt, index) => lostEvents(attempt, { ...place, attempt: index + 1 })),
    ...streamed(step.chunks).map((event) => ({ ...event, ...kept })),
    ...completions(step.chunks).map((event) => ({ ...event, ...kept })),
    { type: 'model.settled', data: { outcome: 'completed', finishReason: 'stop' }, ...kept },
    ...(last ? [] : callEvents(step.calls, { ...kept, settle: true })),
  ];
}

function lostEvents(attempt: LostAttempt, place: StepPlace & { attempt: number }): Placed[] {
  const error = { code: 'model_unavailable' as const, message: 'overloaded', retryable: true };
  const failure: Placed[] = [
    { type: 'model.settled', data: { outcome: 'failed', error }, ...place },
    { type: 'model.retrying', data: { error, failures: 1, nextAt: AT }, ...place },
  ];
  return [
    ...streamed(attempt.chunks).map((event) => ({ ...event, ...place })),
    ...callEvents(attempt.calls, { ...place, settle: false }),
    ...(attempt.cause === 'provider' ? failure : []),
    {
      type: 'attempt.superseded',
      data: { attempt: place.attempt },
      ...place,
      attempt: place.attempt + 1,
    },
  ];
}

const streamed = (chunks: readonly Chunk[]): NewEvent[] => [
  { type: 'model.started', data: { provider: 'demo', model: 'demo' } },
  ...chunks.map((data): NewEvent => ({ type: 'content.delta', data })),
];

/** One for each run of chunks of one kind, all at the end, as a step's closing transaction writes them. */
function completions(chunks: readonly Chunk[]): NewEvent[] {
  const blocks: Chunk[] = [];
  for (const { kind, text } of chunks) {
    const before = blocks.at(-1);
    if (before?.kind === kind) blocks[blocks.length - 1] = { kind, text: before.text + text };
    else blocks.push({ kind, text });
  }
  return blocks.map((data) => ({ type: 'content.completed', data }));
}

function callEvents(
  count: number,
  { settle, ...place }: StepPlace & { attempt: number; settle: boolean },
): Placed[] {
  const ids = Array.from({ length: count }, (_, index) => `call_${place.step}_${index}`);
  const requests = ids.map((callId): Placed => ({
    type: 'tool.requested',
    data: { callId, name: 'look', mode: 'worker', effect: 'read', arguments: { callId } },
    ...place,
  }));
  const answers = ids.flatMap((callId): Placed[] => [
    { type: 'tool.started', data: { callId }, turn: place.turn },
    {
      type: 'tool.settled',
      data: { callId, name: 'look', outcome: 'completed', result: callId },
      turn: place.turn,
    },
  ]);
  return settle ? [...requests, ...answers] : requests;
}
