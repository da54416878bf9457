/** Waits in an event stream for what became of a message. */
import type { Content, Part } from '../contracts/content.ts';
import type { MessageId } from '../contracts/ids.ts';
import { PerdureError } from '../contracts/perdure-error.ts';
import type { ConversationView, TurnView } from '../contracts/projections/conversation.ts';
import type { EventOf, PerdureEvent } from '../contracts/events.ts';
import { isOfAnother } from '../contracts/projections/session.ts';
import { textOfTurn } from '../contracts/projections/turns.ts';

/** One event, and the conversation after it. */
export interface FollowStep {
  readonly event: PerdureEvent;
  readonly view: ConversationView;
}

/** What the agent made of a message. `turn.outcome` tells how it ended, `turn.error` why it failed. */
export interface Reply {
  readonly messageId: MessageId;
  /** What the model said, its steps separated by an empty line; without its reasoning. */
  readonly text: string;
  readonly turn: TurnView;
}

/**
 * The reply to `messageId`, once its turn is settled.
 * @param sent what stands under `messageId` where nobody else used it
 * @throws {PerdureError} the session's own reason where it rejected the message; `session_closed` where it ended first; `not_found`
 *   where somebody removed the message from the queue; `idempotency_conflict` where something else than `sent` stands under the id
 */
export async function replyTo(
  messageId: MessageId,
  steps: AsyncIterable<FollowStep>,
  sent?: Content,
): Promise<Reply | undefined> {
  let turnId: MessageId | undefined;
  let takenIn = false;
  for await (const { event, view } of steps) {
    if (isTakenIn(event, messageId)) {
      // Only as it was taken in at first: what waits may be edited.
      if (!takenIn && sent !== undefined) refuseAnother(messageId, sent, event.data.content);
      takenIn = true;
    }
    if (event.type === 'message.accepted' && event.data.messageId === messageId)
      turnId = event.turn;
    refuse(messageId, event, turnId !== undefined);
    if (event.type !== 'turn.settled' || event.turn === undefined || event.turn !== turnId)
      continue;
    const turn = view.turns.find(({ turn }) => turn === turnId)!;
    return { messageId, text: textOfTurn(turn), turn };
  }
  return undefined;
}

const isTakenIn = (
  event: PerdureEvent,
  messageId: MessageId,
): event is EventOf<'message.queued' | 'message.accepted'> =>
  (event.type === 'message.queued' || event.type === 'message.accepted') &&
  event.data.messageId === messageId;

/** Two programs sent different messages under one id, and the other one was first. */
function refuseAnother(messageId: MessageId, sent: Content, taken: readonly Part[]): void {
  const parts: readonly Part[] = typeof sent === 'string' ? [{ type: 'text', text: sent }] : sent;
  if (parts.length === taken.length && parts.every((part, index) => mayBe(part, taken[index]!)))
    return;
  throw new PerdureError('idempotency_conflict', `${messageId} stands for a different message.`);
}

/** A long text was taken in as an artifact: which one, only the API knows. */
const mayBe = (sent: Part, taken: Part): boolean =>
  sent.type === 'text'
    ? taken.type === 'artifact' || sent.text === taken.text
    : taken.type === 'artifact' && sent.artifact === taken.artifact;

function refuse(messageId: MessageId, { type, data }: PerdureEvent, accepted: boolean): void {
  // Under an id that was used twice either of the two may be meant: what is taken in tells.
  if (type === 'message.rejected' && data.messageId === messageId && !isOfAnother(data)) {
    throw new PerdureError(data.error.code, data.error.message);
  }
  if (type === 'message.removed' && data.messageId === messageId) {
    throw new PerdureError('not_found', 'The message was removed from the queue.');
  }
  if (type === 'session.ended' && !accepted) {
    throw new PerdureError(
      'session_closed',
      `The session ended (${data.reason}) before the message was taken up.`,
    );
  }
}
