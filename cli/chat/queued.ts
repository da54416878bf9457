/** Messages that wait for their turn: told of where the answer under way is not torn by it, and shown again as their turn comes. */
import type { ConversationView, FollowStep, TurnView } from '../../client/index.ts';
import { noticeOf } from './notices.ts';

export interface Queued {
  /** Forgets what is held back: another session is shown now. */
  reset(): void;
  /** @returns true where the accepted message had waited: what was typed is far above, or was never seen */
  take(step: FollowStep): boolean;
  /** @returns what may be told now, a line each */
  told(view: ConversationView): readonly string[];
}

export function createQueued(): Queued {
  /** Notices that are held back, by message. */
  const held = new Map<string, string>();
  const waiting = new Set<string>();
  return {
    reset() {
      held.clear();
      waiting.clear();
    },
    take({ event }) {
      if (event.type === 'message.queued') {
        waiting.add(event.data.messageId);
        held.set(event.data.messageId, noticeOf(event)!);
      }
      if (event.type === 'message.rejected' || event.type === 'message.removed')
        held.delete(event.data.messageId);
      if (event.type !== 'message.accepted') return false;
      held.delete(event.data.messageId);
      return waiting.delete(event.data.messageId);
    },
    told({ turns }) {
      if (!isBetweenAnswers(turns.at(-1))) return [];
      const lines = [...held.values()];
      held.clear();
      return lines;
    },
  };
}

/** Before the model says a word, and while tools run. The end of a turn is none: the next message follows at once, and says itself that it waited. */
function isBetweenAnswers(turn: TurnView | undefined): boolean {
  if (!turn || turn.outcome !== null) return false;
  const step = turn.steps.at(-1);
  if (!step || step.calls.length > 0) return true;
  return step.outcome === null && step.blocks.length === 0 && step.attempt <= 1;
}
