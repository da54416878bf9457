// The workflow on a real journal; only the model is a script.
import { Context } from '@temporalio/activity';
import { ApplicationFailure } from '@temporalio/common';
import type {
  ApprovalInput,
  ApprovalResult,
  ModelStepInput,
  ModelStepResult,
  SealInput,
  SettleInput,
} from '../../../contracts/activities.ts';
import { approvalIdOf } from '../../../contracts/approvals.ts';
import { newId } from '../../../contracts/ids.ts';
import { NO_SPEND } from '../../../contracts/usage.ts';
import type { Attempt, Journal, RequestedCall } from '../../../journal/port.ts';
import { newSession } from '../../journal/support/facts.ts';
import { ScriptedWorld } from './scripted-world.ts';
import { userMessage, type SessionKit, type StartOptions } from './session-kit.ts';

export type Answer = (
  attempt: Attempt,
  input: ModelStepInput,
  journal: Journal,
) => Promise<ModelStepResult>;

/** The fence of the activity that runs. */
export const fenceHere = () => {
  const { currentAttemptScheduledTimestampMs: scheduledAt, attempt } = Context.current().info;
  return { scheduledAt, attempt };
};

/** A world whose journal is real. */
export class JournaledWorld extends ScriptedWorld {
  readonly #journal: Journal;
  answers: Answer[] = [];
  override sealing = (input: SealInput) => this.#journal.steps.seal(input);
  override settling = (input: SettleInput) => this.#journal.ledger.settle(input);

  constructor(journal: Journal) {
    super();
    this.#journal = journal;
  }

  override async callModel(input: ModelStepInput): Promise<ModelStepResult> {
    this.steps.push(input);
    const claim = { ...input, fence: fenceHere(), inputDigest: JSON.stringify(input) };
    const claimed = await this.#journal.steps.claim(claim);
    if (claimed.state !== 'claimed') throw ApplicationFailure.nonRetryable(claimed.state);
    const answer = this.answers.shift() ?? says('ok');
    return answer(claimed.attempt, input, this.#journal);
  }

  override async settleApproval(input: ApprovalInput): Promise<ApprovalResult> {
    this.asks.push(input);
    const { sessionId, approvalId, callId, decision, expired } = input;
    const asked = { sessionId, approvalId, callId };
    if (!decision) return this.#journal.approvals.settle({ ...asked, expired });
    const { id, by } = decision;
    const outcome = decision.decision === 'approve' ? 'approved' : 'rejected';
    return this.#journal.approvals.settle({ ...asked, decision: { id, by, outcome } });
  }

  override async record(...args: Parameters<Journal['events']['record']>): Promise<void> {
    await this.#journal.events.record(...args);
    await super.record(...args);
  }
}

export const delta = (text: string) =>
  ({ type: 'content.delta', data: { kind: 'text', text } }) as const;

export function says(text: string, calls: readonly RequestedCall[] = []): Answer {
  return async (attempt, { sessionId }, journal) => {
    await journal.steps.append(attempt, [delta(text)]);
    const refs = calls.map(({ callId, name, mode, effect, timeoutMs, approval, ...call }) => ({
      ...{ callId, name, mode, effect, timeoutMs },
      summary: '',
      ...(approval && {
        approval: {
          approvalId: approvalIdOf(sessionId, callId, call.arguments),
          waitMs: approval.waitMs,
        },
      }),
    }));
    const result: ModelStepResult =
      calls.length > 0
        ? { outcome: 'tool_calls', calls: refs, spend: NO_SPEND }
        : { outcome: 'completed', spend: NO_SPEND };
    const settled = {
      type: 'turn.settled',
      data: { outcome: 'completed', ...{ usage: NO_SPEND.usage, costUsd: 0 } },
    } as const;
    await journal.steps.finish(attempt, {
      events: calls.length > 0 ? [] : [settled],
      message: { content: [{ type: 'text', text }] },
      calls,
      spend: NO_SPEND,
      result,
    });
    return result;
  };
}

export async function journaledSession(
  { kit, journal }: { kit: SessionKit; journal: Journal },
  answers: Answer[],
  more: StartOptions = {},
) {
  const world = new JournaledWorld(journal);
  world.answers = answers;
  const sessionId = newId('ses');
  await journal.sessions.create(newSession({ sessionId, user: 'anna', digest: sessionId }));
  const message = userMessage();
  const session = await kit.session({ world, sessionId, message, ...more });
  const events = async () =>
    (await journal.events.read(sessionId, { after: 0, limit: 500 })).events;
  return { session, events, world, turn: message.messageId };
}
