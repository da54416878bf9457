/** Everything that the journal says of a session, and whether it says the same everywhere. */
import { expect, vi } from 'vitest';
import type { PerdureEvent } from '../../contracts/events.ts';
import type { SessionId } from '../../contracts/ids.ts';
import { EMPTY_SESSION, foldSession } from '../../contracts/projections/session.ts';
import type { SessionView } from '../../contracts/session.ts';
import type { Asked } from './turn-events.ts';

interface TranscriptRow {
  readonly id: string;
  readonly position: number;
}

export interface WholeJournal {
  readonly log: readonly PerdureEvent[];
  readonly view: SessionView;
  readonly messages: readonly TranscriptRow[];
}

/** Read at one moment: an attempt that was cut off may still be charged while it is read. */
export const readJournal = (url: string, sessionId: SessionId): Promise<WholeJournal> =>
  vi.waitFor(
    async () => {
      const path = `${url}/api/sessions/${sessionId}`;
      const log = await readLog(path);
      const { messages } = await get<{ messages: TranscriptRow[] }>(`${path}/transcript`);
      const view = await get<SessionView>(path);
      expect(view.lastSeq).toBe(log.at(-1)?.seq);
      return { log, view, messages };
    },
    { timeout: 60_000, interval: 100 },
  );

async function readLog(path: string): Promise<PerdureEvent[]> {
  const log: PerdureEvent[] = [];
  for (;;) {
    const page = `${path}/events?after=${log.at(-1)?.seq ?? 0}&limit=1000`;
    const { events } = await get<{ events: PerdureEvent[] }>(page);
    if (events.length === 0) return log;
    log.push(...events);
  }
}

async function get<T>(url: string): Promise<T> {
  const response = await fetch(url);
  expect(response.status).toBe(200);
  return (await response.json()) as T;
}

/** The session's row is what the log folds to; the transcript has each message and its answer, where the log has them. */
export function expectProjections({ log, view, messages }: WholeJournal, asked: readonly Asked[]) {
  const { details, ...head } = log.reduce(foldSession, EMPTY_SESSION);
  const { turnSeq: _, lifeSeq: __, awaited: ___, queue, ...shown } = details;
  expect(view).toMatchObject({ ...head, ...shown, queued: queue.length });
  expect(messages).toMatchObject(
    asked.flatMap(({ turn, content, answer }) => [
      {
        id: turn,
        role: 'user',
        turn,
        position: seqOf(log, 'message.accepted', turn),
        content: [{ type: 'text', text: content }],
      },
      {
        id: `${turn}/1`,
        role: 'assistant',
        turn,
        position: seqOf(log, 'turn.settled', turn),
        content: [{ type: 'text', text: answer }],
        partial: false,
      },
    ]),
  );
}

const seqOf = (log: readonly PerdureEvent[], type: PerdureEvent['type'], turn?: string) =>
  log.find((event) => event.type === type && event.turn === turn)?.seq;
