import { describe, expect, test } from 'vitest';
import { MessagesSent } from '../../api/sessions/messages-sent.ts';
import { newId } from '../../contracts/ids.ts';
import { cutOut, heapGrowth } from '../support/heap.ts';

const MESSAGES = 1_000;
/** Two ids, a digest and their place in a table, with room to spare: a tenth of the request that they came in. */
const BYTES_EACH = 500;

describe('the messages that were sent', () => {
  test('are remembered without the requests that they came in', () => {
    const nothing = { message: () => Promise.resolve(undefined) };
    const sent = new MessagesSent(nothing as never);
    const bytes = heapGrowth(() => {
      for (let message = 0; message < MESSAGES; message += 1)
        sent.remember({
          sessionId: cutOut(newId('ses')),
          messageId: cutOut(newId('msg')),
          digest: `${message}`,
        });
    });
    expect(bytes / MESSAGES).toBeLessThan(BYTES_EACH);
    const sending = { sessionId: newId('ses'), messageId: newId('msg'), digest: 'one' };
    sent.remember(sending);
    expect(() => sent.refuseAnother({ ...sending, digest: 'another' }, undefined)).toThrow();
  });
});
