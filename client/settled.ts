/** Waits in an event stream for what became of a message. */
import type { MessageId } from '../contracts/ids.ts';
import { PerdureError } from '../contracts/perdure-error.ts';
import type { ConversationView, TurnView } from '../contracts/projections/conversation.ts';
import type { PerdureEvent } from '../contracts/events.ts';
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
 * @throws {PerdureError} the session's own reason where it rejected the message; `session_closed` where it ended first; `not_found`
 *   where somebody removed the message from the queue
 */
export async function replyTo(
  messageId: MessageId,
  steps: AsyncIterable<FollowStep>,
): Promise<Reply | undefined> {
  let turnId: MessageId | undefined;
  for await (const { event, view } of steps) {
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

function refuse(messageId: MessageId, { type, data }: PerdureEvent, accepted: boolean): void {
  if (type === 'message.rejected' && data.messageId === messageId) {
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
