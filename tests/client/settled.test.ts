import { expect, test } from 'vitest';
import { replyTo } from '../../client/settled.ts';
import { EMPTY_CONVERSATION, foldEvent } from '../../client/index.ts';
import { newId } from '../../contracts/ids.ts';
import { NO_USAGE } from '../../contracts/usage.ts';
import { numbered } from '../contracts/event-logs.ts';

const [opener, joined] = [newId('msg'), newId('msg')];
const message = (messageId: typeof opener) => ({
  messageId,
  content: [{ type: 'text' as const, text: '?' }],
  policy: 'steer' as const,
});
const error = { code: 'queue_full', message: 'full', retryable: true } as const;

async function* steps(events: Parameters<typeof numbered>[0]) {
  let view = EMPTY_CONVERSATION;
  for (const event of numbered(events)) {
    view = foldEvent(view, event);
    yield { event, view };
  }
}

test('a message that joined a turn has that turn’s reply', async () => {
  const reply = await replyTo(
    joined,
    steps([
      { type: 'message.accepted', data: message(opener), turn: opener, step: 1 },
      { type: 'message.accepted', data: message(joined), turn: opener, step: 2 },
      {
        type: 'content.completed',
        data: { kind: 'text', text: 'for both' },
        turn: opener,
        step: 2,
        attempt: 1,
      },
      {
        type: 'turn.settled',
        data: { outcome: 'completed', usage: NO_USAGE, costUsd: 0 },
        turn: opener,
      },
    ]),
  );
  expect(reply).toMatchObject({ text: 'for both', turn: { turn: opener } });
});

test('a rejected message has the session’s reason', async () => {
  const rejected = steps([{ type: 'message.rejected', data: { messageId: joined, error } }]);
  await expect(replyTo(joined, rejected)).rejects.toMatchObject({
    code: 'queue_full',
    message: 'full',
  });
});

test('of two messages under one id the first has its reply, and whoever sent the other is told', async () => {
  const conflict = { ...error, code: 'idempotency_conflict' as const };
  const another = [{ type: 'text' as const, text: 'first' }];
  const log = () =>
    steps([
      { type: 'message.rejected', data: { messageId: joined, error: conflict } },
      { type: 'message.queued', data: { ...message(joined), content: another } },
      { type: 'message.edited', data: { messageId: joined, content: [...another, ...another] } },
      {
        type: 'message.accepted',
        data: { ...message(joined), content: [...another, ...another] },
        turn: joined,
        step: 1,
      },
      {
        type: 'turn.settled',
        data: { outcome: 'completed', usage: NO_USAGE, costUsd: 0 },
        turn: joined,
      },
    ]);
  for (const sent of ['first', another, undefined])
    expect(await replyTo(joined, log(), sent)).toMatchObject({ turn: { outcome: 'completed' } });
  const file = { type: 'artifact', artifact: `sha256_${'0'.repeat(64)}` } as const;
  for (const sent of [
    'second',
    [...another, ...another],
    [{ ...file, mediaType: 'a/b', bytes: 1 }],
  ])
    await expect(replyTo(joined, log(), sent)).rejects.toMatchObject({
      code: 'idempotency_conflict',
    });
});

test('a message that the end of its session overtook is told so', async () => {
  const ended = steps([{ type: 'session.ended', data: { reason: 'stopped' } }]);
  await expect(replyTo(joined, ended)).rejects.toMatchObject({ code: 'session_closed' });
});

test('what happens to other messages does not matter', async () => {
  const others = steps([
    { type: 'message.rejected', data: { messageId: opener, error } },
    { type: 'message.removed', data: { messageId: opener } },
  ]);
  expect(await replyTo(joined, others)).toBeUndefined();
});
