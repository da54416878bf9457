/** What the log of a session without tools says of each turn, event by event. */
import { expect } from 'vitest';
import type { PerdureEvent } from '../../contracts/events.ts';
import type { MessageId } from '../../contracts/ids.ts';

/** A message, and the whole answer that the scripted model gives to it. */
export interface Asked {
  readonly turn: MessageId;
  readonly label: string;
  readonly content: string;
  readonly answer: string;
}

/** How many attempts have streamed, and the number of the one that finished: each has asked the model at most once. */
export interface Attempts {
  readonly streamed: number;
  readonly last: number;
}

/** Every message has one turn, in the order of asking; nothing else is in the log. @returns of each turn, in that order, its attempts */
export function expectTurns(log: readonly PerdureEvent[], asked: readonly Asked[]): Attempts[] {
  const beside = log.filter(({ turn }) => turn === undefined);
  expect(beside[0]).toMatchObject({ seq: 1, type: 'session.created' });
  for (const event of beside.slice(1)) expectBeside(event, log);
  const opened = log.filter(({ type }) => type === 'turn.started').map(({ turn }) => turn);
  expect(opened).toEqual(asked.map(({ turn }) => turn));
  return asked.map((message) => {
    const events = log.filter(({ turn }) => turn === message.turn);
    return expectTurn(events, message);
  });
}

/** A message that comes while a worker is missed waits in the queue, until it is accepted. */
function expectBeside(event: PerdureEvent, log: readonly PerdureEvent[]): void {
  if (event.type === 'message.queued') {
    const { messageId } = event.data;
    const accepted = log.find(
      ({ type, turn }) => type === 'message.accepted' && turn === messageId,
    );
    return expect(accepted?.seq).toBeGreaterThan(event.seq);
  }
  expect(event).toMatchObject({ type: 'session.state', data: { state: 'waiting' } });
}

/** From the start of the turn to its end: what was streamed before a fault is superseded once, and the last attempt says everything once. */
function expectTurn(events: readonly PerdureEvent[], { content, answer }: Asked): Attempts {
  expect(events[0]).toMatchObject({ data: { content: [{ type: 'text', text: content }] } });
  const streamed = attemptsOf(events, 'content.delta');
  const last = streamed.at(-1) ?? 0;
  const superseded = streamed.slice(0, -1);
  expect(stepsOf(events, last)).toEqual([
    'message.accepted',
    'turn.started',
    ...superseded.flatMap((attempt) => [
      `${attempt} model.started`,
      `${attempt} content.delta`,
      `${attempt} attempt.superseded`,
    ]),
    `${last} model.started`,
    `${last} content.delta`,
    `${last} content.completed`,
    `${last} model.settled`,
    `${last} usage.recorded`,
    `${last} turn.settled`,
  ]);
  for (const attempt of superseded) {
    const said = textOf(events, attempt);
    expect(said).toBe(answer.slice(0, said.length));
  }
  expect(textOf(events, last)).toBe(answer);
  const completed = events.find(({ type }) => type === 'content.completed');
  expect(completed?.data).toEqual({ kind: 'text', text: answer });
  return { streamed: streamed.length, last };
}

/**
 * Attempt and type of each event, a run of chunks as one. Left out are what an attempt leaves that was cut off before its first token, and the
 * charge of one that was cut off, which may come late: each is charged once.
 */
function stepsOf(events: readonly PerdureEvent[], last: number): string[] {
  const streamed = new Set(attemptsOf(events, 'content.delta'));
  const charged = attemptsOf(events, 'usage.recorded');
  expect(charged).toEqual([...new Set(charged)]);
  expect(charged).toEqual(expect.arrayContaining([...streamed]));
  return events
    .filter(({ type, attempt = 0 }) => type !== 'usage.recorded' || attempt === last)
    .filter(({ type, attempt = 0 }) => type !== 'model.started' || streamed.has(attempt))
    .map(nameOf)
    .filter((name, index, names) => !name.endsWith('content.delta') || name !== names[index - 1]);
}

function nameOf(event: PerdureEvent): string {
  const attempt = event.type === 'attempt.superseded' ? event.data.attempt : event.attempt;
  return attempt === undefined ? event.type : `${attempt} ${event.type}`;
}

/** The attempts that have such an event; for chunks each counts once. */
function attemptsOf(events: readonly PerdureEvent[], wanted: PerdureEvent['type']): number[] {
  const all = events.filter(({ type }) => type === wanted).map(({ attempt }) => attempt ?? 0);
  return wanted === 'content.delta' ? [...new Set(all)] : all;
}

const textOf = (events: readonly PerdureEvent[], wanted: number): string =>
  events
    .filter(({ attempt }) => attempt === wanted)
    .map((event) => (event.type === 'content.delta' ? event.data.text : ''))
    .join('');
