import { describe, expect, test } from 'vitest';
import type { Fact } from '../../../contracts/activities.ts';
import type { NewEvent } from '../../../contracts/events.ts';
import { newId } from '../../../contracts/ids.ts';
import type { MessageId } from '../../../contracts/ids.ts';
import { emptyJournal } from '../support/dialects.ts';
import type { Dialect } from '../support/dialects.ts';
import {
  allEvents,
  asksFor,
  claimOf,
  claimed,
  createSession,
  delta,
  openStep,
  spend,
  text,
  types,
} from '../support/facts.ts';

const fact = (key: string, event: NewEvent): Fact => ({ key, event });

const queuedFact = (messageId: MessageId): Fact =>
  fact(`queued:${messageId}`, {
    type: 'message.queued',
    data: { messageId, content: text(messageId), policy: 'enqueue' },
  });

export const recordConformance = (dialect: Dialect) =>
  describe('facts that a workflow records', () => {
    test('are written once by their key, in order', async () => {
      await using opened = await emptyJournal(dialect);
      const { journal } = opened;
      const sessionId = await createSession(journal);
      const warning: NewEvent = {
        type: 'session.warning',
        data: { reason: 'idle', endsAt: new Date().toISOString(), withdrawn: false },
      };
      const ended: NewEvent = { type: 'session.ended', data: { reason: 'idle' } };
      const facts = [fact('warning:1', warning), fact('ended:1', ended), fact('ended:1', ended)];
      await journal.events.record(sessionId, facts.slice(0, 1));
      await Promise.all([
        journal.events.record(sessionId, facts),
        journal.events.record(sessionId, facts),
      ]);
      expect(types(await allEvents(journal, sessionId))).toEqual([
        'session.created',
        'session.warning',
        'session.ended',
      ]);
      expect(await journal.sessions.get(sessionId)).toMatchObject({
        state: 'ended',
        endReason: 'idle',
        endedAt: expect.any(String),
      });
    });

    test('keep the messages that wait: queued, edited, removed', async () => {
      await using opened = await emptyJournal(dialect);
      const { journal } = opened;
      const sessionId = await createSession(journal);
      const [one, two, three] = [newId('msg'), newId('msg'), newId('msg')];
      await journal.events.record(sessionId, [one, two, three].map(queuedFact));
      expect((await journal.sessions.get(sessionId))?.queued).toBe(3);
      await journal.events.record(sessionId, [
        fact('edit:1', {
          type: 'message.edited',
          data: { messageId: two, content: text('better') },
        }),
        fact('edit:2', {
          type: 'message.edited',
          data: { messageId: three, policy: 'steer', position: 0 },
        }),
        fact('removed:1', { type: 'message.removed', data: { messageId: one } }),
        // Of messages that nobody queued, or that were accepted meanwhile.
        fact('removed:2', { type: 'message.removed', data: { messageId: newId('msg') } }),
      ]);
      const waiting = [
        { messageId: three, content: text(three), policy: 'steer' },
        { messageId: two, content: text('better'), policy: 'enqueue' },
      ];
      expect(await journal.events.queued(sessionId)).toMatchObject(waiting);
      expect(await journal.events.transcript(sessionId)).toEqual([]);
      await claimed(
        journal,
        claimOf(sessionId, { turn: two, messages: [{ messageId: two, policy: 'enqueue' }] }),
      );
      await journal.events.record(sessionId, [
        fact('edit:3', {
          type: 'message.edited',
          data: { messageId: two, content: text('too late') },
        }),
        fact('edit:4', {
          type: 'message.edited',
          data: { messageId: one, content: text('first') },
        }),
      ]);
      expect(await journal.events.transcript(sessionId)).toMatchObject([
        { id: two, content: text('better') },
      ]);
      expect(await journal.sessions.get(sessionId)).toMatchObject({ queued: 1 });
    });

    test('keep a message whose id another one was refused under', async () => {
      await using opened = await emptyJournal(dialect);
      const { journal } = opened;
      const sessionId = await createSession(journal);
      const one = newId('msg');
      const error = { code: 'idempotency_conflict', message: 'taken', retryable: false } as const;
      const refused: NewEvent = { type: 'message.rejected', data: { messageId: one, error } };
      await journal.events.record(sessionId, [queuedFact(one), fact('conflict:1', refused)]);
      expect(await journal.events.queued(sessionId)).toMatchObject([
        { messageId: one, content: text(one) },
      ]);
      expect(await journal.sessions.get(sessionId)).toMatchObject({ queued: 1 });
      expect(
        (await journal.events.read(sessionId, { after: 0, limit: 9 })).events.at(-1),
      ).toMatchObject(refused);
    });

    test('refuse another content under an id, and neither a repeat nor what nobody has', async () => {
      await using opened = await emptyJournal(dialect);
      const { journal } = opened;
      const { sessionId, turn } = await openStep(journal);
      const waiting = newId('msg');
      await journal.events.record(sessionId, [queuedFact(waiting)]);
      const error = { code: 'idempotency_conflict', message: 'taken', retryable: false } as const;
      const compared = (messageId: MessageId, words: string): Fact => ({
        ...fact(newId('msg'), { type: 'message.rejected', data: { messageId, error } }),
        ifNot: text(words),
      });
      await journal.events.record(sessionId, [
        compared(turn, 'Hello?'),
        compared(waiting, waiting),
        compared(newId('msg'), 'never sent'),
        compared(turn, 'Good day?'),
        compared(waiting, 'Good day?'),
      ]);
      const rejected = (await allEvents(journal, sessionId)).filter(
        ({ type }) => type === 'message.rejected',
      );
      expect(rejected.map(({ data }) => data)).toMatchObject([
        { messageId: turn },
        { messageId: waiting },
      ]);
      expect(await journal.sessions.get(sessionId)).toMatchObject({ turn, queued: 1 });
    });

    test('of an end settle the turn that is open still, which the workflow did not know of', async () => {
      await using opened = await emptyJournal(dialect);
      const { journal } = opened;
      const { sessionId, turn, attempt } = await openStep(journal);
      await journal.steps.append(attempt, [delta('Hal')]);
      const end = fact('ended:1', { type: 'session.ended', data: { reason: 'idle' } });
      await journal.events.record(sessionId, [end]);
      const log = await allEvents(journal, sessionId);
      expect(types(log).slice(-4)).toEqual([
        'content.completed',
        'model.settled',
        'turn.settled',
        'session.ended',
      ]);
      expect(log.at(-2)).toMatchObject({
        turn,
        data: { outcome: 'failed', error: { code: 'state_corrupt' } },
      });
      await journal.events.record(sessionId, [end]);
      expect(await allEvents(journal, sessionId)).toEqual(log);
    });

    test('of an end come after what settles the turn in the same breath', async () => {
      await using opened = await emptyJournal(dialect);
      const { journal } = opened;
      const { sessionId, turn, attempt } = await openStep(journal);
      await journal.steps.finish(attempt, asksFor());
      const error = { code: 'limit_exceeded', message: 'enough', retryable: false } as const;
      const data = { outcome: 'limit_exceeded', error, ...spend(0) } as const;
      await journal.events.record(sessionId, [
        { ...fact('settled:1', { type: 'turn.settled', data }), turn },
        fact('ended:1', { type: 'session.ended', data: { reason: 'lifetime' } }),
      ]);
      const settled = types(await allEvents(journal, sessionId)).slice(-2);
      expect(settled).toEqual(['turn.settled', 'session.ended']);
    });

    test('let a rejected message go: it waits no longer, and can be sent again under its id', async () => {
      await using opened = await emptyJournal(dialect);
      const { journal } = opened;
      const sessionId = await createSession(journal);
      const [one, two] = [newId('msg'), newId('msg')];
      await journal.events.record(sessionId, [queuedFact(one), queuedFact(two)]);
      const error = { code: 'session_closed', message: 'ended', retryable: false } as const;
      const rejected: NewEvent = { type: 'message.rejected', data: { messageId: one, error } };
      await journal.events.record(sessionId, [fact('rejected:1', rejected)]);
      expect(await journal.events.queued(sessionId)).toMatchObject([{ messageId: two }]);
      expect(await journal.events.message(sessionId, one)).toBeUndefined();
      await journal.events.record(sessionId, [
        { ...queuedFact(one), key: 'queued:again' },
        fact('rejected:1', rejected),
      ]);
      expect(await journal.events.queued(sessionId)).toMatchObject([
        { messageId: two },
        { messageId: one, content: text(one) },
      ]);
      const messages = [{ messageId: one, policy: 'enqueue' as const }];
      await claimed(journal, claimOf(sessionId, { turn: one, messages }));
      expect(await journal.events.transcript(sessionId)).toMatchObject([
        { id: one, content: text(one) },
      ]);
    });

    test('do not put a message back into the queue that a turn has taken in', async () => {
      await using opened = await emptyJournal(dialect);
      const { journal } = opened;
      const { sessionId, turn } = await openStep(journal);
      await journal.events.record(sessionId, [queuedFact(turn)]);
      expect(await journal.sessions.get(sessionId)).toMatchObject({ queued: 0 });
      expect(await journal.events.queued(sessionId)).toEqual([]);
    });

    test('move a message in the queue for everybody who reads it', async () => {
      await using opened = await emptyJournal(dialect);
      const { journal } = opened;
      const sessionId = await createSession(journal);
      const [one, two, three] = [newId('msg'), newId('msg'), newId('msg')];
      await journal.events.record(sessionId, [one, two, three].map(queuedFact));
      const order = async () =>
        (await journal.events.queued(sessionId)).map(({ messageId }) => messageId);
      const move = (messageId: typeof one, position: number) =>
        journal.events.record(sessionId, [
          fact(newId('msg'), { type: 'message.edited', data: { messageId, position } }),
        ]);
      await move(three, 0);
      expect(await order()).toEqual([three, one, two]);
      await move(three, 1);
      expect(await order()).toEqual([one, three, two]);
      // Beyond the end is the end; a message that does not wait moves nothing.
      await move(one, 99);
      await move(newId('msg'), 0);
      expect(await order()).toEqual([three, two, one]);
      expect(await journal.sessions.rebuild(sessionId)).toBe(false);
      expect(await order()).toEqual([three, two, one]);
    });

    test('fold into the session’s row: models, contexts, ends and new beginnings', async () => {
      await using opened = await emptyJournal(dialect);
      const { journal } = opened;
      const sessionId = await createSession(journal, { context: 'window-1' });
      const after = async (event: NewEvent) => {
        await journal.events.record(sessionId, [fact(newId('msg'), event)]);
        return journal.sessions.get(sessionId);
      };
      expect(await after({ type: 'session.state', data: { state: 'waiting' } })).toMatchObject({
        state: 'waiting',
      });
      expect(await after({ type: 'context.changed', data: { context: 'window-2' } })).toMatchObject(
        { context: 'window-2' },
      );
      const switched = (to: string, reason: 'fallback' | 'requested'): NewEvent => ({
        type: 'model.switched',
        data: { from: 'demo', to, reason },
      });
      expect(await after(switched('spare', 'fallback'))).toMatchObject({ model: 'demo' });
      expect(await after(switched('large', 'requested'))).toMatchObject({ model: 'large' });
      const error = { code: 'state_corrupt', message: 'unreadable', retryable: false } as const;
      expect(
        await after({ type: 'session.ended', data: { reason: 'error', error } }),
      ).toMatchObject({ state: 'error', error, endReason: 'error' });
      expect(await after({ type: 'session.reopened', data: {} })).toMatchObject({
        state: 'waiting',
        error: null,
        endReason: null,
        endedAt: null,
      });
    });
  });
