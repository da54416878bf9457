import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { PerdureEvent } from '../../contracts/events.ts';
import { newId } from '../../contracts/ids.ts';
import type { ConversationView } from '../../contracts/projections/conversation.ts';
import {
  EMPTY_CONVERSATION,
  foldEvent,
  foldEvents,
  textOfTurn,
} from '../../contracts/projections/turns.ts';
import { NO_USAGE } from '../../contracts/usage.ts';
import { logOf, numbered, turnScripts } from './event-logs.ts';

/** The view without what faults may honestly change: numbers of events and of attempts. */
const shown = (view: ConversationView) => ({
  ...view,
  session: { ...view.session, lastSeq: 0, details: { ...view.session.details, turnSeq: 0 } },
  turns: view.turns.map((turn) => ({
    ...turn,
    steps: turn.steps.map((step) => ({ ...step, attempt: 0 })),
  })),
});

const settledDeltasPruned = (log: readonly PerdureEvent[]) =>
  log.filter((event) => event.type !== 'content.delta');

/** The log as a client sees it that reconnects with old cursors: stretches come again. */
const withRepeats = (log: readonly PerdureEvent[], cuts: readonly number[]) =>
  cuts
    .map((cut) => cut % log.length)
    .toSorted((a, b) => a - b)
    .reduceRight((events, cut) => events.toSpliced(cut + 1, 0, ...log.slice(0, cut + 1)), [...log]);

describe('the fold of a session’s events', () => {
  test('is the same with crashes and provider failures as without them', () => {
    fc.assert(
      fc.property(turnScripts, (script) => {
        const [calm, rough] = [false, true].map((faults) => foldEvents(logOf(script, { faults })));
        expect(shown(rough!)).toEqual(shown(calm!));
      }),
    );
  });

  test('is the same after deltas of settled turns were pruned', () => {
    fc.assert(
      fc.property(turnScripts, (script) => {
        const log = logOf(script, { faults: true });
        expect(foldEvents(settledDeltasPruned(log)).turns).toEqual(foldEvents(log).turns);
      }),
    );
  });

  test('takes each event once, however often it comes', () => {
    fc.assert(
      fc.property(turnScripts, fc.array(fc.nat(), { maxLength: 4 }), (script, cuts) => {
        const log = logOf(script, { faults: true });
        expect(foldEvents(withRepeats(log, cuts))).toEqual(foldEvents(log));
      }),
    );
  });

  test('of a part, continued with the rest, is the fold of the whole', () => {
    fc.assert(
      fc.property(turnScripts, fc.nat(), (script, cut) => {
        const log = logOf(script, { faults: true });
        const at = cut % (log.length + 1);
        expect(foldEvents(log.slice(at), foldEvents(log.slice(0, at)))).toEqual(foldEvents(log));
      }),
    );
  });

  test('never changes an earlier view', () => {
    fc.assert(
      fc.property(turnScripts, (script) => {
        const views = [EMPTY_CONVERSATION];
        const copies = [structuredClone(EMPTY_CONVERSATION)];
        for (const event of logOf(script, { faults: true })) {
          views.push(foldEvent(views.at(-1)!, event));
          copies.push(structuredClone(views.at(-1)!));
        }
        expect(views).toEqual(copies);
      }),
      { numRuns: 20 },
    );
  });
});

const turn = newId('msg');
const place = { turn, step: 1, attempt: 1 } as const;
const error = { code: 'model_unavailable', message: 'overloaded', retryable: true } as const;
const text = (from: string) => [{ type: 'text' as const, text: from }];

describe('a conversation', () => {
  test('shows text as it streams, beside the reasoning before it', () => {
    const view = foldEvents(
      numbered([
        { type: 'content.delta', data: { kind: 'reasoning', text: 'hm' }, ...place },
        { type: 'content.delta', data: { kind: 'text', text: 'He' }, ...place },
        { type: 'content.delta', data: { kind: 'text', text: 'llo' }, ...place },
      ]),
    );
    expect(view.turns[0]?.steps[0]?.blocks.map(({ kind, text }) => [kind, text])).toEqual([
      ['reasoning', 'hm'],
      ['text', 'Hello'],
    ]);
    expect(textOfTurn(view.turns[0]!)).toBe('Hello');
  });

  test('shows a retry notice until the next attempt begins', () => {
    const log = numbered([
      { type: 'model.started', data: { provider: 'p', model: 'm' }, ...place },
      { type: 'model.retrying', data: { error, failures: 1, nextAt: 'soon' }, ...place },
      { type: 'model.started', data: { provider: 'p', model: 'm' }, ...place, attempt: 2 },
    ]);
    expect(foldEvents(log.slice(0, 2)).turns[0]?.steps[0]?.retry?.nextAt).toBe('soon');
    expect(foldEvents(log).turns[0]?.steps[0]?.retry).toBeNull();
  });

  test('ignores what a superseded attempt still says', () => {
    const view = foldEvents(
      numbered([
        { type: 'content.delta', data: { kind: 'text', text: 'new' }, ...place, attempt: 2 },
        { type: 'content.delta', data: { kind: 'text', text: 'old' }, ...place, attempt: 1 },
      ]),
    );
    expect(textOfTurn(view.turns[0]!)).toBe('new');
  });

  test('goes on with a turn whose finished step was superseded, without the steps built on it', () => {
    const log = numbered([
      { type: 'content.completed', data: { kind: 'text', text: 'one' }, ...place },
      { type: 'content.completed', data: { kind: 'text', text: 'two' }, ...place, step: 2 },
      {
        type: 'turn.settled',
        data: { outcome: 'completed', usage: NO_USAGE, costUsd: 0 },
        ...place,
        step: 2,
      },
      { type: 'attempt.superseded', data: { attempt: 1 }, ...place, attempt: 2 },
    ]);
    expect(foldEvents(log.slice(0, 3)).turns[0]?.outcome).toBe('completed');
    const view = foldEvents(log);
    expect(view.turns[0]?.outcome).toBeNull();
    expect(textOfTurn(view.turns[0]!)).toBe('');
  });

  test('keeps the queue in the order that edits give it', () => {
    const [one, two, three] = [newId('msg'), newId('msg'), newId('msg')];
    const queued = (messageId: typeof one) => ({
      type: 'message.queued' as const,
      data: { messageId, content: text('?'), policy: 'enqueue' as const },
    });
    const view = foldEvents(
      numbered([
        queued(one),
        queued(two),
        queued(three),
        { type: 'message.edited', data: { messageId: three, position: 0, content: text('!') } },
        { type: 'message.removed', data: { messageId: one } },
        { type: 'message.edited', data: { messageId: two, policy: 'steer' } },
      ]),
    );
    expect(view.queue.map(({ messageId }) => messageId)).toEqual([three, two]);
    expect(view.queue[0]?.content).toEqual(text('!'));
    expect(view.queue[1]?.policy).toBe('steer');
  });

  test('takes a message out of the queue when a turn accepts or the session rejects it', () => {
    const [one, two] = [newId('msg'), newId('msg')];
    const data = (messageId: typeof one) => ({
      messageId,
      content: text('?'),
      policy: 'enqueue' as const,
    });
    const view = foldEvents(
      numbered([
        { type: 'message.queued', data: data(one) },
        { type: 'message.queued', data: data(two) },
        { type: 'message.accepted', data: data(one), turn: one, step: 1 },
        { type: 'message.rejected', data: { messageId: two, error } },
      ]),
    );
    expect(view.queue).toEqual([]);
    expect(view.turns[0]?.messages.map(({ messageId }) => messageId)).toEqual([one]);
    expect(view.rejected).toEqual([{ messageId: two, error }]);
  });

  test('leaves a message alone under whose id another one was refused', () => {
    const one = newId('msg');
    const refused = { messageId: one, error: { ...error, code: 'idempotency_conflict' as const } };
    const view = foldEvents(
      numbered([
        {
          type: 'message.queued',
          data: { messageId: one, content: text('?'), policy: 'enqueue' as const },
        },
        { type: 'message.rejected', data: refused },
      ]),
    );
    expect(view.queue).toMatchObject([{ messageId: one, content: text('?') }]);
    expect(view.session.details.queue).toEqual([one]);
    expect(view.rejected).toEqual([refused]);
  });

  test('follows a tool call from request over progress to its result', () => {
    const callId = newId('call');
    const log = numbered([
      {
        type: 'tool.requested',
        data: { callId, name: 'ask', mode: 'client', effect: 'never-retry', arguments: { q: 1 } },
        ...place,
      },
      { type: 'tool.started', data: { callId, runner: 'page' } },
      { type: 'tool.progress', data: { callId, message: 'half', fraction: 0.5 }, turn },
      { type: 'tool.settled', data: { callId, name: 'ask', outcome: 'failed', error }, turn },
    ]);
    const call = (count: number) => foldEvents(log.slice(0, count)).turns[0]?.steps[0]?.calls[0];
    expect(call(1)).toMatchObject({ state: 'requested', arguments: { q: 1 }, mode: 'client' });
    expect(call(2)).toMatchObject({ state: 'running', runner: 'page' });
    expect(call(3)?.progress).toEqual({ message: 'half', fraction: 0.5 });
    expect(call(4)).toMatchObject({ state: 'settled', settlement: { outcome: 'failed', error } });
  });

  test('warns of the end of the session until activity withdraws the warning', () => {
    const warning = (withdrawn: boolean) => ({
      type: 'session.warning' as const,
      data: { reason: 'idle' as const, endsAt: 'soon', withdrawn },
    });
    expect(foldEvents(numbered([warning(false)])).warning).toEqual({
      reason: 'idle',
      endsAt: 'soon',
    });
    expect(foldEvents(numbered([warning(false), warning(true)])).warning).toBeNull();
    const ended = { type: 'session.ended' as const, data: { reason: 'idle' as const } };
    expect(foldEvents(numbered([warning(false), ended])).warning).toBeNull();
  });

  test('leaves out events of a type that this version does not know', () => {
    const unknown = { ...numbered([{ type: 'session.reopened', data: {} }])[0], type: 'new.thing' };
    const view = foldEvent(EMPTY_CONVERSATION, unknown as unknown as PerdureEvent);
    expect(view.session.lastSeq).toBe(1);
    expect(view.turns).toEqual([]);
  });
});
