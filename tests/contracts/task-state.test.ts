import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { END_REASONS, isBusy, isClosed, SESSION_STATES } from '../../contracts/session-state.ts';
import {
  canTransition,
  isActive,
  isTerminal,
  TASK_STATES,
  TASK_TRANSITIONS,
  taskStateOfSession,
} from '../../contracts/task-state.ts';

describe('the canonical job state', () => {
  test('is terminal and active exactly where mission D1 says so', () => {
    expect(TASK_STATES.filter(isTerminal)).toEqual([
      'completed',
      'succeeded',
      'failed',
      'error',
      'cancelled',
    ]);
    expect(TASK_STATES.filter(isActive)).toEqual(['running', 'processing']);
  });

  test('has transitions for every state that is not terminal, and for no other', () => {
    expect(Object.keys(TASK_TRANSITIONS)).toEqual(
      TASK_STATES.filter((state) => !isTerminal(state)),
    );
  });

  test('never leaves a terminal state, nor stays by a transition', () => {
    for (const from of TASK_STATES) {
      expect(canTransition(from, from)).toBe(false);
      for (const to of TASK_STATES)
        if (isTerminal(from)) expect(canTransition(from, to)).toBe(false);
    }
  });

  test('lets a job end by failure, fault or cancellation from wherever it is', () => {
    for (const from of TASK_STATES.filter((state) => !isTerminal(state))) {
      for (const to of ['failed', 'error', 'cancelled'] as const) {
        expect(canTransition(from, to)).toBe(true);
      }
    }
  });

  test('lets a job complete or succeed only once it runs, and never become pending again', () => {
    expect(canTransition('pending', 'completed')).toBe(false);
    expect(canTransition('queued', 'succeeded')).toBe(false);
    for (const from of TASK_STATES) expect(canTransition(from, 'pending')).toBe(false);
  });

  test('along any path ends at most once', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...TASK_STATES), { maxLength: 20 }), (wishes) => {
        const path = wishes.reduce(
          (states, wish) => (canTransition(states.at(-1)!, wish) ? [...states, wish] : states),
          ['pending' as (typeof TASK_STATES)[number]],
        );
        expect(path.slice(0, -1).some(isTerminal)).toBe(false);
      }),
    );
  });
});

describe('a session as a job', () => {
  test.each([
    ['starting', 'pending'],
    ['waiting', 'queued'],
    ['running', 'running'],
    ['waiting_for_tools', 'running'],
    ['waiting_for_approval', 'running'],
    ['streaming', 'processing'],
    ['ended', 'completed'],
    ['error', 'error'],
  ] as const)('that is %s is %s', (session, job) => {
    expect(taskStateOfSession(session)).toBe(job);
  });

  test('that was stopped is cancelled; that ended by itself is completed', () => {
    expect(END_REASONS.map((reason) => taskStateOfSession('ended', reason))).toEqual([
      'cancelled',
      'completed',
      'completed',
      'completed',
    ]);
  });

  test('is terminal exactly when it is closed', () => {
    for (const state of SESSION_STATES) {
      expect(isTerminal(taskStateOfSession(state))).toBe(isClosed(state));
      if (isActive(taskStateOfSession(state))) expect(isBusy(state)).toBe(true);
    }
  });
});
