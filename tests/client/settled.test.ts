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
