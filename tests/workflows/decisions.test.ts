// The session's decisions without Temporal.
import { expect, test } from 'vitest';
import { newId } from '../../contracts/ids.ts';
import {
  DEFAULT_SESSION_LIMITS,
  REMEMBERED_MESSAGE_IDS,
  type SessionLimits,
} from '../../contracts/limits.ts';
import { NO_SPEND } from '../../contracts/usage.ts';
import { options } from '../../workflows/activity-options.ts';
import * as decisions from '../../workflows/session/decisions.ts';
import * as inbox from '../../workflows/session/inbox.ts';
import type { SessionStart } from '../../workflows/session/messages.ts';
import * as queue from '../../workflows/session/queue.ts';
import * as state from '../../workflows/session/state.ts';
import { liveStatus } from '../../workflows/session/status.ts';
import { callSummary, story } from '../../workflows/session/story.ts';
import * as timer from '../../workflows/session/timer.ts';
import * as updates from '../../workflows/session/updates.ts';
import { spent, toolCall } from './support/scripted-world.ts';
import { userMessage } from './support/session-kit.ts';

const NOW = Date.parse('2026-11-21T00:00:00Z');
const MINUTE = 60_000;
const UPDATE = { id: 'u1', now: NOW };

const start = (limits: Partial<SessionLimits> = {}): SessionStart => ({
  sessionId: newId('ses'),
  tenant: 'acme',
  agent: 'assistant',
  model: 'demo',
  limits: { ...DEFAULT_SESSION_LIMITS, ...limits },
  origin: 'start',
});
const idle = (limits: Partial<SessionLimits> = {}) => state.openSession(start(limits), NOW);
function busy(limits: Partial<SessionLimits> = {}) {
  const session = idle(limits);
  const turn = state.openTurn(session, userMessage());
  return { session, turn };
}

test('only the last thousand message ids are remembered, oldest forgotten first', () => {
  const session = idle();
  const ids = Array.from({ length: REMEMBERED_MESSAGE_IDS + 1 }, () => newId('msg'));
  for (const id of ids) expect(state.remember(session, id)).toBe(true);
  expect(session.seen.size).toBe(REMEMBERED_MESSAGE_IDS);
  expect(state.remember(session, ids[1]!)).toBe(false);
  expect(state.remember(session, ids[0]!)).toBe(true);
});

test('a run that goes on has the queue, ids, sums and times of the one before; a reopened one new times', () => {
  const { session } = busy();
  inbox.receive(session, userMessage(), NOW);
  queue.noteRecorded(session, session.outbox.splice(0));
  session.model = 'larger';
  state.closeTurn(session, NOW + 5);
  const next = state.carryOver(session);
  expect(JSON.parse(JSON.stringify(next))).toEqual(next);
  const continued = state.openSession(next, NOW + 1_000);
  expect(continued).toMatchObject({
    model: 'larger',
    turns: 1,
    startedAt: NOW,
    idleSince: NOW + 5,
  });
  expect(state.queueView(continued)).toEqual(state.queueView(session));
  expect(state.carryOver(continued)).toEqual(next);
  const reopened = state.openSession({ ...next, origin: 'reopen' }, NOW + 1_000);
  expect(reopened).toMatchObject({
    turns: 1,
    startedAt: NOW + 1_000,
    idleSince: NOW + 1_000,
    warned: null,
  });
});

test('a carried state of a thousand ids and a hundred keys, the last of each, stays under 64 KiB', () => {
  const session = idle();
  for (let n = 0; n < 101; n++) state.rememberUpdate(session, `${n}`.padEnd(32), 'u'.repeat(65));
  expect(session.updates.size).toBe(100);
  expect(state.rememberUpdate(session, '100'.padEnd(32), 'u'.repeat(65))).toBe(false);
  for (let n = 0; n < REMEMBERED_MESSAGE_IDS; n++) state.remember(session, newId('msg'));
  expect(JSON.stringify(state.carryOver(session)).length).toBeLessThan(64 * 1024);
});

test('a queued message opens no turn and joins no step before the journal has all of it', () => {
  const { session } = busy();
  inbox.receive(session, userMessage('steer'), NOW);
  expect(queue.takeSteering(session)).toEqual([]);
  expect(queue.takeOpener(session)).toBeUndefined();
  queue.noteRecorded(session, session.outbox);
  expect(queue.takeSteering(session)).toHaveLength(1);
  expect(queue.takeOpener(session)).toBeUndefined();
});

test('an edit of a message that has just left the queue changes nothing', () => {
  const { session } = busy();
  queue.edit(session, { action: 'remove', messageId: newId('msg') }, 'u1');
  expect(session.outbox).toEqual([]);
  queue.noteRecorded(session, [
    { key: 'k', event: { type: 'message.edited', data: { messageId: newId('msg') } } },
    { key: 'w', event: { type: 'session.state', data: { state: 'waiting' } } },
  ]);
});

test('a message that was rejected may come again, and every rejection and every wait is a fact of its own', () => {
  const late = state.openSession({ ...start(), signalsInOrder: true }, NOW);
  const message = userMessage('reject');
  inbox.receive(late, userMessage(), NOW);
  inbox.receive(late, message, NOW + 1);
  inbox.receive(late, message, NOW + 2);
  late.openers.splice(0);
  inbox.receive(late, message, NOW + 3);
  expect(late.openers).toMatchObject([{ messageId: message.messageId }]);
  inbox.receive(late, { ...message, policy: 'enqueue' }, NOW + 4);
  const queued = userMessage('enqueue');
  inbox.receive(late, queued, NOW + 5);
  inbox.rejectWaiting(late);
  const again = state.openSession(state.reopenedStart(late), NOW + 6);
  inbox.receive(again, userMessage(), NOW + 7);
  inbox.receive(again, queued, NOW + 8);
  const facts = [...late.outbox, ...again.outbox];
  expect(facts.map(({ event }) => event.type)).toEqual([
    'message.rejected',
    'message.rejected',
    'message.queued',
    'message.rejected',
    'message.rejected',
    'message.queued',
  ]);
  expect(new Set(facts.map(({ key }) => key)).size).toBe(facts.length);
});

test('interrupting messages count as waiting ones', () => {
  const { session } = busy();
  for (let n = 0; n < 100; n++) inbox.receive(session, userMessage('interrupt'), NOW);
  expect(session.outbox).toEqual([]);
  inbox.receive(session, userMessage('interrupt'), NOW);
  expect(session.outbox).toMatchObject([{ event: { data: { error: { code: 'queue_full' } } } }]);
});

test('an interrupting message between two turns waits for its own turn and seals nothing', () => {
  const session = idle();
  session.queue = [{ messageId: newId('msg'), policy: 'enqueue', unrecorded: 1 }];
  inbox.receive(session, userMessage('interrupt'), NOW);
  expect(session.interrupting).toBe(false);
  expect(session.openers).toHaveLength(1);
});

test('a session that is to end settles what still comes', () => {
  const session = idle();
  inbox.stop(session);
  inbox.stop(session);
  inbox.receive(session, userMessage(), NOW);
  expect(session.outbox).toMatchObject([
    { event: { data: { error: { code: 'session_closed' } } } },
  ]);
  const edit = { action: 'remove', messageId: newId('msg') } as const;
  expect(updates.refuseEdit(session, edit, UPDATE)?.code).toBe('session_closed');
  expect(updates.refuseReconfiguration(session, {}, UPDATE)?.code).toBe('session_closed');
});

test('an interrupt concerns the turn that is about to open, too', () => {
  const session = idle();
  const message = userMessage();
  inbox.interrupt(session, {});
  expect(session.interrupting).toBe(false);
  inbox.receive(session, message, NOW);
  inbox.interrupt(session, { turn: newId('msg') });
  expect(session.interrupting).toBe(false);
  inbox.interrupt(session, { turn: message.messageId });
  expect(session.interrupting).toBe(true);
  inbox.interrupt(session, undefined);
});

test('news of a call is remembered only while a turn is open', () => {
  const session = idle();
  inbox.noteToolNews(session, { callId: newId('call') });
  const { session: open, turn } = busy();
  inbox.noteToolNews(open, undefined);
  inbox.noteToolNews(open, { callId: newId('call') });
  expect(turn.news.size).toBe(1);
});

test('what is left of the limits is never less than nothing, and absent where nothing is limited', () => {
  const { session, turn } = busy({ tokensPerSession: 50 });
  expect(decisions.allowance(session, NO_SPEND)).toEqual({ tokens: 50, usd: null });
  state.countStep(session, turn, spent(80));
  state.countStep(session, turn, spent(80));
  expect([turn.spend, session.spend]).toEqual([spent(80), spent(80)]);
  expect(decisions.allowance(session, turn.spend)).toEqual({ tokens: 0, usd: null });
  expect(decisions.allowance(idle(), NO_SPEND)).toBeUndefined();
  expect(decisions.limitReached(session, turn)?.outcome).toBe('limit_exceeded');
  expect(decisions.limitReached(...pair(busy()))).toBeUndefined();
});
const pair = ({ session, turn }: ReturnType<typeof busy>) => [session, turn] as const;

test('a failure has one of our codes, or is internal', () => {
  expect(decisions.failureInfo('model_timeout', 'slow')).toEqual({
    code: 'model_timeout',
    message: 'slow',
    retryable: true,
  });
  for (const type of [undefined, null, 'toString', 'AttemptSuperseded']) {
    expect(decisions.failureInfo(type, 'x').code).toBe('internal');
  }
});

test('a run is long when Temporal says so or its events are many, but never at its beginning', () => {
  const limits = { ...DEFAULT_SESSION_LIMITS, historyEvents: 1 };
  const info = (historyLength: number, continueAsNewSuggested = false) => ({
    historyLength,
    continueAsNewSuggested,
  });
  expect(decisions.isLong(limits, info(10))).toBe(false);
  expect(decisions.isLong(limits, info(30))).toBe(true);
  expect(decisions.isLong(DEFAULT_SESSION_LIMITS, info(10, true))).toBe(true);
});

test('the timer rings for the warning, then for the end, and re-arms itself while a turn is open', () => {
  const session = idle({ idleMs: 5 * MINUTE, warningMs: MINUTE / 2, lifetimeMs: 60 * MINUTE });
  const warnAt = timer.nextAlarm(session, NOW);
  expect(warnAt).toBe(NOW + 4.5 * MINUTE);
  timer.ring(session, warnAt - 1);
  expect(session.outbox).toEqual([]);
  timer.ring(session, warnAt);
  expect(session.warned).toBe('idle');
  expect(timer.nextAlarm(session, warnAt)).toBe(NOW + 5 * MINUTE);
  timer.ring(session, warnAt + 1);
  expect(session.ending).toBeNull();
  timer.ring(session, NOW + 5 * MINUTE);
  expect(session.ending).toBe('idle');
  timer.ring(session, NOW + 90 * MINUTE);
  expect(session.ending).toBe('idle');
  const { session: working } = busy({
    idleMs: 5 * MINUTE,
    warningMs: MINUTE / 2,
    lifetimeMs: 600 * MINUTE,
  });
  expect(timer.nextAlarm(working, NOW + 20 * MINUTE)).toBe(NOW + 24.5 * MINUTE);
  timer.ring(working, NOW + 20 * MINUTE);
  expect(working.outbox).toEqual([]);
});

test('a warning that comes late still leaves the whole time to answer it', () => {
  const session = idle({ idleMs: 5 * MINUTE, warningMs: MINUTE / 2 });
  timer.ring(session, NOW + 20 * MINUTE);
  expect(session.warned).toBe('idle');
  expect(timer.nextAlarm(session, NOW + 20 * MINUTE)).toBe(NOW + 20.5 * MINUTE);
});

test('a lifetime that ends while a turn is open waits for the turn', () => {
  const { session } = busy({ idleMs: 5 * MINUTE, lifetimeMs: 10 * MINUTE, warningMs: MINUTE / 2 });
  timer.ring(session, NOW + 9.5 * MINUTE);
  expect(session.warned).toBe('lifetime');
  timer.ring(session, NOW + 10 * MINUTE);
  expect(session.ending).toBeNull();
  expect(timer.nextAlarm(session, NOW + 10 * MINUTE)).toBeGreaterThan(NOW + 10 * MINUTE);
  state.closeTurn(session, NOW + 11 * MINUTE);
  expect(timer.nextAlarm(session, NOW + 9.6 * MINUTE)).toBe(NOW + 10 * MINUTE);
  timer.ring(session, NOW + 11 * MINUTE);
  expect(session.ending).toBe('lifetime');
  timer.touch(session, NOW);
  expect(session.warned).toBe('lifetime');
});

test('status and story say where the session stands', () => {
  const { session, turn } = busy();
  expect(liveStatus(session)).toMatchObject({
    state: 'running',
    idleEndsAt: null,
    turn: turn.id,
    step: 1,
  });
  turn.pending.add(newId('call'));
  inbox.receive(session, userMessage(), NOW);
  session.warned = 'lifetime';
  expect(liveStatus(session)).toMatchObject({ state: 'waiting_for_tools', queued: 1 });
  expect(story(session)).toMatch(
    /Waiting for tools[\s\S]*open calls[\s\S]*1 messages queued[\s\S]*ends soon/,
  );
  state.closeTurn(session, NOW);
  session.queue = [];
  expect(liveStatus(session)).toMatchObject({
    state: 'waiting',
    step: 0,
    idleEndsAt: '2026-11-21T00:05:00.000Z',
  });
  session.ended = true;
  session.ending = 'idle';
  expect(story(session)).toContain('**Ended** (idle)');
  expect(callSummary(toolCall({ name: 'read_file', summary: 'README.md' }))).toBe(
    'read_file README.md',
  );
});

test('configuration overrides the table of policies', () => {
  expect(options('model', undefined)).toMatchObject({
    heartbeatTimeout: 12_000,
    retry: { initialInterval: 1_000 },
  });
  expect(options('model', undefined).retry).not.toHaveProperty('maximumAttempts');
  expect(options('toolRead', { toolRead: { attempts: 7 } }).retry).toMatchObject({
    maximumAttempts: 7,
  });
  expect(options('record', { model: { attemptMs: 1 } })).not.toHaveProperty('heartbeatTimeout');
});
