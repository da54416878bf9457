/** Facts that a workflow decided, each once. */
import type { Fact } from '../../contracts/activities.ts';
import type { NewEvent } from '../../contracts/events.ts';
import type { SessionId } from '../../contracts/ids.ts';
import { isOfAnother } from '../../contracts/projections/session.ts';
import type { Operation } from '../group-commit.ts';
import type { MessageRecord } from '../tables.ts';
import type { SessionDraft } from '../write/session-draft.ts';
import type { UserBody } from './accept.ts';

export const recordFacts = (sessionId: SessionId, facts: readonly Fact[]): Operation<void> => ({
  needs: {
    sessionId,
    facts: facts.map((fact) => fact.key),
    messages: facts.flatMap(({ event }) => (isOfQueue(event) ? [event.data.messageId] : [])),
  },
  apply(draft) {
    for (const { key, event, turn, step } of facts) {
      if (draft.facts.has(key) || comesTooLate(draft, event)) continue;
      const { seq } = draft.append({ turn, step, fact: key }, event);
      if (isOfQueue(event)) updateQueue(draft, event, seq);
    }
  },
});

type QueueEvent = Extract<
  NewEvent,
  { type: 'message.queued' | 'message.edited' | 'message.removed' | 'message.rejected' }
>;

const QUEUE_EVENTS: ReadonlySet<string> = new Set<QueueEvent['type']>([
  'message.queued',
  'message.edited',
  'message.removed',
  'message.rejected',
]);

const isOfQueue = (event: NewEvent): event is QueueEvent => QUEUE_EVENTS.has(event.type);

const isTakenIn = (row: MessageRecord | undefined): boolean => !!row && row.turn !== null;

/** A workflow that was reset queues again what a turn has taken in since: it would wait for ever. */
const comesTooLate = (draft: SessionDraft, event: NewEvent): boolean =>
  event.type === 'message.queued' && isTakenIn(draft.messages.get(event.data.messageId));

/** Waiting messages are rows without a turn; their order is the projection's. */
function updateQueue(draft: SessionDraft, event: QueueEvent, seq: number): void {
  const id = event.data.messageId;
  const row = draft.messages.get(id);
  if (isTakenIn(row)) return;
  if (event.type === 'message.rejected' && isOfAnother(event.data)) return;
  // One that is rejected may be sent again under its id: nothing of it may be left.
  if (event.type === 'message.removed' || event.type === 'message.rejected')
    return draft.removeMessage(id);
  const body = bodyAfter(row, event);
  if (body)
    draft.putMessage({
      id,
      role: 'user',
      position: row?.position ?? seq,
      turn: null,
      step: null,
      body: JSON.stringify(body),
    });
}

/** Undefined where an edit finds nothing. */
function bodyAfter(
  row: MessageRecord | undefined,
  event: Extract<QueueEvent, { type: 'message.queued' | 'message.edited' }>,
): UserBody | undefined {
  if (event.type === 'message.queued')
    return { content: event.data.content, policy: event.data.policy };
  if (!row) return undefined;
  const before = JSON.parse(row.body) as UserBody;
  return {
    content: event.data.content ?? before.content,
    policy: event.data.policy ?? before.policy,
  };
}
