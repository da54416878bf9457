/** Facts that a workflow decided, each once. */
import { isDeepStrictEqual } from 'node:util';
import type { Fact } from '../../contracts/activities.ts';
import { errorInfo, type ErrorInfo } from '../../contracts/errors.ts';
import type { Part } from '../../contracts/content.ts';
import type { NewEvent } from '../../contracts/events.ts';
import type { SessionId } from '../../contracts/ids.ts';
import { isOfAnother } from '../../contracts/projections/session.ts';
import type { Operation } from '../group-commit.ts';
import type { MessageRecord } from '../tables.ts';
import type { SessionDraft } from '../write/session-draft.ts';
import type { UserBody } from './accept.ts';
import { abandonTurn, type SeenTurn } from './seal.ts';

/** @param open the turn that the journal sees open where the facts end the session */
export function recordFacts(
  sessionId: SessionId,
  facts: readonly Fact[],
  open?: SeenTurn,
): Operation<void> {
  const abandon = open && abandonTurn(open, FORGOTTEN);
  return {
    needs: {
      sessionId,
      ...abandon?.needs,
      facts: facts.map((fact) => fact.key),
      messages: facts.flatMap(({ event }) => (isOfQueue(event) ? [event.data.messageId] : [])),
    },
    apply(draft) {
      for (const { key, event, turn, step, ifNot } of facts) {
        if (draft.facts.has(key) || comesTooLate(draft, event)) continue;
        if (ifNot && isOfQueue(event) && !contradicts(draft, event, ifNot)) continue;
        if (event.type === 'session.ended' && draft.projection.details.turn === open?.turn)
          abandon?.apply(draft);
        const { seq } = draft.append({ turn, step, fact: key }, event);
        if (isOfQueue(event)) updateQueue(draft, event, seq);
      }
    },
  };
}

/** The workflow that ends a session has no open turn: it did not know of this one, and nobody else would ever settle it. */
const FORGOTTEN: ErrorInfo = errorInfo(
  'state_corrupt',
  'The session ended while this turn was open: Temporal’s data is older than the turn.',
);

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

/** The message under this id is another one. */
function contradicts(
  draft: SessionDraft,
  { data: { messageId } }: QueueEvent,
  content: readonly Part[],
): boolean {
  const row = draft.messages.get(messageId);
  return !!row && !isDeepStrictEqual((JSON.parse(row.body) as UserBody).content, content);
}

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
