import { newId } from '../../../contracts/ids.ts';
import type { CallId, MessageId } from '../../../contracts/ids.ts';
import type { Attempt, Claim, Journal } from '../../../journal/port.ts';
import { answer, asksFor, claimOf, delta, spend, text, toolCall, usage } from './facts.ts';

export const ACTIONS = [
  'claim',
  'again',
  'rerun',
  'append',
  'answer',
  'tools',
  'fail',
  'seal',
  'queue',
  'edit',
  'move',
  'remove',
  'reject',
  'take',
  'reply',
  'settle',
  'charge',
  'end',
  'reopen',
] as const;
/** What no worker does, but what the transcript has to survive. */
export const ODD_ACTIONS = ['same tools', 'answer without events'] as const;
export type Action = (typeof ACTIONS)[number] | (typeof ODD_ACTIONS)[number] | 'summarize';

/** Does whatever the action says to one session, sensible or not. */
export function script(journal: Journal, sessionId: Attempt['sessionId']) {
  let turn: MessageId = newId('msg');
  let step = 1;
  let clock = 0;
  let attempt: Attempt = {
    sessionId,
    turn,
    step,
    number: 1,
    fence: { scheduledAt: 0, attempt: 0 },
  };
  let callId: CallId = newId('call');
  let queued: MessageId = newId('msg');
  let digest = 'i';
  const record = (
    key: string,
    event: Parameters<typeof journal.events.record>[1][number]['event'],
  ) => journal.events.record(sessionId, [{ key, event }]);
  const claim = async (more: Claim['messages'] = []) => {
    const messages = [...(step === 1 ? claimOf(sessionId, { turn }).messages : []), ...more];
    const result = await journal.steps.claim({
      sessionId,
      turn,
      step,
      messages,
      inputDigest: digest,
      fence: { scheduledAt: ++clock, attempt: 1 },
    });
    if (result.state === 'claimed') attempt = result.attempt;
  };
  const ask = async (id?: CallId) => {
    const call = toolCall({ mode: clock % 2 ? 'client' : 'worker', ...(id && { callId: id }) });
    await journal.steps.finish(attempt, asksFor(call));
    callId = call.callId;
    step++;
  };
  const summarize = async () => {
    const rows = await journal.events.transcript(sessionId);
    const through = rows[Math.floor(rows.length / 2)]?.position ?? 0;
    const data = { beforeTokens: 2, afterTokens: 1, throughMessage: 'x' };
    await journal.steps.summarize(attempt, {
      text: `summary ${clock}`,
      through,
      events: [usage(1), { type: 'context.compacted', data }],
      spend: spend(1),
    });
  };
  const actions: Record<Action, () => Promise<unknown>> = {
    claim: () => {
      [turn, step] = [newId('msg'), 1];
      return claim();
    },
    again: () => claim(),
    rerun: () => {
      step = Math.max(1, step - 1);
      digest = `i${clock}`;
      return claim([{ messageId: newId('msg'), content: text('more'), policy: 'steer' }]);
    },
    append: () => journal.steps.append(attempt, [delta('x'), delta('y', 'reasoning')]),
    answer: () => journal.steps.finish(attempt, answer('xy', 2)),
    'answer without events': () => journal.steps.finish(attempt, { ...answer('xy'), events: [] }),
    tools: () => ask(),
    'same tools': () => ask(callId),
    summarize,
    fail: () =>
      journal.steps.fail(attempt, {
        events: [usage(1)],
        error: { code: 'network_error', message: '', retryable: true },
        charged: true,
        spend: spend(1),
      }),
    seal: () =>
      journal.steps.seal({
        sessionId,
        turn,
        step,
        cause: 'interrupt',
        messages: claimOf(sessionId, { turn }).messages,
        turnSpend: spend(0),
      }),
    queue: () => {
      queued = newId('msg');
      return record(`queued:${queued}`, {
        type: 'message.queued',
        data: { messageId: queued, content: text('q'), policy: 'enqueue' },
      });
    },
    edit: () =>
      record(newId('msg'), {
        type: 'message.edited',
        data: { messageId: queued, content: text(`edited ${clock}`) },
      }),
    move: () =>
      record(newId('msg'), {
        type: 'message.edited',
        data: { messageId: queued, position: clock % 2 },
      }),
    reject: () =>
      record(newId('msg'), {
        type: 'message.rejected',
        data: {
          messageId: queued,
          error: { code: 'session_closed', message: '', retryable: false },
        },
      }),
    remove: () => record(newId('msg'), { type: 'message.removed', data: { messageId: queued } }),
    take: () => {
      [turn, step] = [queued, 1];
      return claim();
    },
    reply: () => journal.ledger.answer(callId, { outcome: 'completed', result: 1 }),
    settle: () =>
      journal.ledger.settle({ sessionId, turn, step, callId, giveUp: true }).catch(() => {}),
    charge: () => journal.steps.chargeAborted(attempt, { ...spend(1), provider: 'p', model: 'm' }),
    end: () => record(newId('msg'), { type: 'session.ended', data: { reason: 'idle' } }),
    reopen: () => record(newId('msg'), { type: 'session.reopened', data: {} }),
  };
  return actions;
}
