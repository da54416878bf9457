/** Events straight into a session's log, without a worker. */
import type { SessionId } from '../../../contracts/ids.ts';
import type { Fixture } from './fixture.ts';

let written = 0;

/** So many events, each of about so many bytes. */
export async function writeFacts(
  { journal }: Fixture,
  sessionId: SessionId,
  { count, bytes }: { count: number; bytes: number },
): Promise<void> {
  const error = { code: 'internal', message: 'x'.repeat(bytes), retryable: false } as const;
  await journal.events.record(
    sessionId,
    Array.from({ length: count }, () => ({
      key: `fact:${(written += 1)}`,
      event: {
        type: 'message.rejected' as const,
        data: { messageId: 'msg_01jd9rk0x3e8wvz5t2m4q7h6na' as const, error },
      },
    })),
  );
}

/** The numbers of everything that a session's log has. */
export async function loggedNumbers({ send }: Fixture, sessionId: SessionId): Promise<number[]> {
  const numbers: number[] = [];
  for (;;) {
    const path = `/api/sessions/${sessionId}/events?after=${numbers.at(-1) ?? 0}&limit=1000`;
    const events = (await send('GET', path)).body['events'] as { seq: number }[];
    if (events.length === 0) return numbers;
    numbers.push(...events.map(({ seq }) => seq));
  }
}
