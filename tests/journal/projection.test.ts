import { expect, test } from 'vitest';
import { newId } from '../../contracts/ids.ts';
import { NO_SPEND } from '../../contracts/usage.ts';
import { EMPTY_SESSION, foldSession } from '../../contracts/projections/session.ts';

test('a delta leaves the details as they are, so that they need not be stored again', () => {
  const envelope = { v: 1, sessionId: newId('ses'), at: '2026-11-21T00:00:00.000Z' } as const;
  const started = foldSession(EMPTY_SESSION, {
    ...envelope,
    seq: 1,
    type: 'turn.started',
    data: {},
  });
  expect(started).toMatchObject({ state: 'running', details: { turn: null, turns: 1 } });
  const event = { type: 'content.delta', data: { kind: 'text', text: 'x' } } as const;
  const streaming = foldSession(started, { ...envelope, seq: 2, ...event });
  expect(streaming.details).toBe(started.details);
  expect(streaming).toMatchObject({ state: 'streaming', lastSeq: 2 });
});

test('the late end of a turn leaves the one that is open by then', () => {
  const envelope = { v: 1, sessionId: newId('ses'), at: '2026-11-21T00:00:00.000Z' } as const;
  const [first, second] = [newId('msg'), newId('msg')];
  const { usage, costUsd } = NO_SPEND;
  const settled = { type: 'turn.settled', data: { outcome: 'completed', usage, costUsd } } as const;
  const started = { type: 'turn.started', data: {} } as const;
  const open = foldSession(EMPTY_SESSION, { ...envelope, seq: 1, turn: second, ...started });
  const after = foldSession(open, { ...envelope, seq: 2, turn: first, ...settled });
  expect(after).toMatchObject({ state: 'running', details: { turn: second } });
  const done = foldSession(after, { ...envelope, seq: 3, turn: second, ...settled });
  expect(done).toMatchObject({ state: 'waiting', details: { turn: null } });
});

test('an ended session stays ended, whatever comes late, until it is reopened', () => {
  const envelope = { v: 1, sessionId: newId('ses'), at: '2026-11-21T00:00:00.000Z' } as const;
  const ended = foldSession(EMPTY_SESSION, {
    ...envelope,
    seq: 1,
    type: 'session.ended',
    data: { reason: 'stopped' },
  });
  const late = { type: 'content.delta', data: { kind: 'text', text: 'x' } } as const;
  expect(foldSession(ended, { ...envelope, seq: 2, ...late })).toMatchObject({
    state: 'ended',
    lastSeq: 2,
  });
  const again = { type: 'session.ended', data: { reason: 'error' } } as const;
  expect(foldSession(ended, { ...envelope, seq: 2, ...again }).state).toBe('ended');
  expect(
    foldSession(ended, { ...envelope, seq: 2, type: 'session.reopened', data: {} }).state,
  ).toBe('waiting');
});
