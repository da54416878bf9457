/** Facts that a workflow decided, each once. */
import type { Fact } from '../../contracts/activities.ts';
import type { NewEvent } from '../../contracts/events.ts';
import type { SessionId } from '../../contracts/ids.ts';
import type { Operation } from '../group-commit.ts';
import type { SessionDraft } from '../write/session-draft.ts';
import type { UserBody } from './accept.ts';

export const recordFacts = (sessionId: SessionId, facts: readonly Fact[]): Operation<void> => ({
  needs: {
    sessionId,
    facts: facts.map((fact) => fact.key),
    messages: facts.flatMap(({ event }) => queuedMessage(event)),
  },
  apply(draft) {
    for (const { key, event, turn, step } of facts) {
      if (draft.facts.has(key)) continue;
      const { seq } = draft.append({ turn, step, fact: key }, event);
      updateQueue(draft, event, seq);
    }
  },
});

const queuedMessage = (event: NewEvent): string[] =>
  event.type === 'message.queued' ||
  event.type === 'message.edited' ||
  event.type === 'message.removed'
    ? [event.data.messageId]
    : [];

/** Waiting messages are rows without a turn. */
function updateQueue(draft: SessionDraft, event: NewEvent, seq: number): void {
  if (queuedMessage(event).length === 0) return;
  const { messageId: id, ...data } = event.data as Partial<UserBody> & { messageId: string };
  const row = draft.messages.get(id);
  if (row && row.turn !== null) return;
  if (event.type === 'message.removed') return draft.removeMessage(id);
  const before = row ? (JSON.parse(row.body) as UserBody) : { content: [], policy: 'enqueue' };
  const body = { content: data.content ?? before.content, policy: data.policy ?? before.policy };
  draft.putMessage({
    id,
    role: 'user',
    position: row?.position ?? seq,
    turn: null,
    step: null,
    body: JSON.stringify(body),
  });
}
