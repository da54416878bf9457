import { expect, test } from 'vitest';
import { Subscribers } from '../../journal/subscribers.ts';

test('a subscriber gets what it wants, in order, and loses the oldest where it is 1,000 behind', async () => {
  const subscribers = new Subscribers<number>();
  const stop = new AbortController();
  const even = subscribers.follow((item) => item % 2 === 0, stop.signal);
  const first = even.next();
  for (let item = 0; item <= 2_010; item++) subscribers.publish(item);
  expect((await first).value).toBe(12);
  // Published while the subscriber is busy with the one before.
  for (let item = 14; item <= 2_010; item += 2) expect((await even.next()).value).toBe(item);
  const next = even.next();
  stop.abort();
  expect(await next).toEqual({ done: true, value: undefined });
  expect(await subscribers.follow(() => true, stop.signal).next()).toEqual({
    done: true,
    value: undefined,
  });
});
