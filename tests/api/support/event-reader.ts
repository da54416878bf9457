/** Plain server-sent events as any language would read them: a request, lines, and the number of the last event to resume with. */
import type { PerdureEvent } from '../../../contracts/events.ts';

export interface ReadOptions {
  readonly key?: string;
  readonly lastEventId?: number;
  /** Ends the connection from the client's side. */
  readonly signal?: AbortSignal;
}

/** Yields events until the stream ends, politely or cut off, or the caller stops. */
export async function* readEvents(
  url: string,
  sessionId: string,
  { key, lastEventId, signal }: ReadOptions = {},
): AsyncGenerator<{ id: number; event: PerdureEvent }, void> {
  const response = await fetch(`${url}/api/sessions/${sessionId}/events`, {
    headers: {
      accept: 'text/event-stream',
      ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
      ...(lastEventId === undefined ? {} : { 'last-event-id': String(lastEventId) }),
    },
    ...(signal ? { signal } : {}),
  });
  if (!response.ok) throw new Error(`${response.status} ${await response.text()}`);
  let rest = '';
  for await (const chunk of chunksOf(response)) {
    const blocks = (rest + chunk).split('\n\n');
    rest = blocks.pop() ?? '';
    for (const block of blocks) {
      const id = /^id: (\d+)$/m.exec(block)?.[1];
      const data = /^data: (.*)$/m.exec(block)?.[1];
      if (id && data) yield { id: Number(id), event: JSON.parse(data) as PerdureEvent };
    }
  }
}

async function* chunksOf(response: Response): AsyncGenerator<string, void> {
  const decoder = new TextDecoder();
  try {
    for await (const chunk of response.body!)
      yield decoder.decode(chunk as Uint8Array, { stream: true });
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
  }
}
