/** What must be true of the log of any session, whatever was done to it: every fact is introduced once and settled once. */
import { expect } from 'vitest';
import type { EventOf, EventType, PerdureEvent } from '../../contracts/events.ts';
import type { MessageId } from '../../contracts/ids.ts';
import { isOfAnother } from '../../contracts/projections/session.ts';

type Log = readonly PerdureEvent[];

const ofType = <T extends EventType>(log: Log, type: T) =>
  log.filter((event): event is EventOf<T> => event.type === type);

const groupedBy = (log: Log, keyOf: (event: PerdureEvent) => string | undefined) => {
  const groups = new Map<string, PerdureEvent[]>();
  for (const event of log) {
    const key = keyOf(event);
    if (key !== undefined) groups.set(key, [...(groups.get(key) ?? []), event]);
  }
  return groups;
};

/** @param acknowledged messages of which the API has said that they arrived: each has its fate */
export function expectLawful(log: Log, acknowledged: Iterable<MessageId>): void {
  expect(log.map(({ seq }) => seq)).toEqual(log.map((_, index) => index + 1));
  expectLives(log);
  expectMessages(log, acknowledged);
  expectTurns(log);
  expectModelCalls(log);
  expectTexts(log);
  expectToolCalls(log);
}

/** Ends and beginnings come in turn. */
function expectLives(log: Log): void {
  const lives = log.filter(({ type }) => type === 'session.ended' || type === 'session.reopened');
  const types = lives.map(({ type }) => type);
  expect(types).toEqual(
    types.map((_, index) => (index % 2 === 0 ? 'session.ended' : 'session.reopened')),
  );
}

/** Taken in once, or removed once, or rejected; and after either nothing more is said of it. */
function expectMessages(log: Log, acknowledged: Iterable<MessageId>): void {
  const said = groupedBy(log, (event) => {
    if (!event.type.startsWith('message.')) return undefined;
    if (event.type === 'message.rejected' && isOfAnother(event.data)) return undefined;
    return (event.data as { messageId: MessageId }).messageId;
  });
  for (const messageId of acknowledged) {
    const types = (said.get(messageId) ?? []).map(({ type }) => type);
    expect([messageId, types.at(-1)]).toEqual([
      messageId,
      expect.stringMatching(/^message\.(accepted|removed|rejected)$/),
    ]);
    const final = types.findIndex((t) => t === 'message.accepted' || t === 'message.removed');
    expect([messageId, ...types.slice(final + 1)]).toEqual(
      final === -1 ? expect.anything() : [messageId],
    );
  }
}

/** One after the other, each begun once and settled once. */
function expectTurns(log: Log): void {
  let open: string | undefined;
  const begun = new Set<string>();
  const settled = new Set<string>();
  for (const event of log) {
    const { type, turn, seq } = event;
    if (type === 'turn.started') {
      expect({ seq, open, again: begun.has(turn!) }).toEqual({
        seq,
        open: undefined,
        again: false,
      });
      open = turn;
      begun.add(turn!);
    } else if (type === 'turn.settled') {
      expect({ seq, turn, again: settled.has(turn!) }).toEqual({ seq, turn: open, again: false });
      open = undefined;
      settled.add(turn!);
    } else if (type === 'message.accepted') {
      // The opener of a turn comes just before its beginning.
      expect({ seq, turn }).toEqual({ seq, turn: open ?? event.data.messageId });
    } else if (turn !== undefined && type !== 'usage.recorded') {
      expect({ seq, type, turn }).toEqual({ seq, type, turn: open });
    } else if (type === 'session.ended') {
      expect({ seq, open }).toEqual({ seq, open: undefined });
    }
  }
  expect(open).toBeUndefined();
}

/** Within an attempt every call begins before it ends, and ends; but for an attempt that another one replaced before its first token. */
function expectModelCalls(log: Log): void {
  const calls = log.filter(({ type }) => type === 'model.started' || type === 'model.settled');
  const attempts = groupedBy(calls, ({ turn, step, attempt }) => `${turn}/${step}/${attempt}`);
  for (const [attempt, events] of attempts)
    expect([attempt, ...events.map(({ type }) => type)]).toEqual([
      attempt,
      ...events.map((_, index) => (index % 2 === 0 ? 'model.started' : 'model.settled')),
    ]);
  const unsettled = [...attempts.values()].filter((events) => events.length % 2 === 1);
  for (const { turn, step, attempt } of unsettled.flatMap((events) => events.slice(-1)))
    expect([turn, step, lastAttempt(log, { turn, step })]).not.toEqual([turn, step, attempt]);
}

/** As far as the log says. */
function lastAttempt(log: Log, { turn, step }: Pick<PerdureEvent, 'turn' | 'step'>): number {
  const own = log.filter((event) => event.turn === turn && event.step === step);
  return Math.max(
    ...own.map((event) =>
      event.type === 'attempt.superseded' ? event.data.attempt + 1 : (event.attempt ?? 0),
    ),
  );
}

/** What streamed is what was completed, to the character. */
function expectTexts(log: Log): void {
  for (const { data, turn, step, attempt } of ofType(log, 'content.completed')) {
    const streamed = ofType(log, 'content.delta')
      .filter((delta) => delta.turn === turn && delta.step === step && delta.attempt === attempt)
      .filter((delta) => delta.data.kind === data.kind);
    expect(streamed.map((delta) => delta.data.text).join('')).toBe(data.text);
  }
}

function expectToolCalls(log: Log): void {
  const ids = (type: 'tool.requested' | 'tool.settled') =>
    ofType(log, type).map(({ data }) => data.callId);
  expect(new Set(ids('tool.requested')).size).toBe(ids('tool.requested').length);
  expect(ids('tool.settled').toSorted()).toEqual(ids('tool.requested').toSorted());
}
