/** Messages of people enter the transcript, each once. */
import type { IncomingMessage, StepRef } from '../../contracts/activities.ts';
import type { Part } from '../../contracts/content.ts';
import type { BusyPolicy } from '../../contracts/session-state.ts';
import type { SessionDraft } from '../write/session-draft.ts';

/** The body of a user's row, queued or accepted. */
export interface UserBody {
  readonly content: readonly Part[];
  readonly policy: BusyPolicy;
}

export function acceptMessages(
  draft: SessionDraft,
  ref: StepRef,
  messages: readonly IncomingMessage[],
): void {
  for (const message of messages) accept(draft, ref, message);
}

function accept(draft: SessionDraft, { turn, step }: StepRef, message: IncomingMessage): void {
  const row = draft.messages.get(message.messageId);
  if (row && row.turn !== null) return;
  const content = message.content ?? (row && (JSON.parse(row.body) as UserBody).content);
  // Removed from the queue in the meantime.
  if (!content) return;
  const body: UserBody = { content, policy: message.policy };
  const data = { messageId: message.messageId, content: [...content], policy: message.policy };
  const { seq } = draft.append({ turn, step }, { type: 'message.accepted', data });
  draft.putMessage({
    id: message.messageId,
    role: 'user',
    position: seq,
    turn,
    step,
    body: JSON.stringify(body),
  });
}
