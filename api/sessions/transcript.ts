import type { SessionId } from '../../contracts/ids.ts';
import type { TranscriptMessage } from '../../contracts/transcript.ts';
import type { ApiContext } from '../context.ts';
import type { TranscriptPage } from '../schemas/session.ts';

interface Request {
  readonly sessionId: SessionId;
  readonly after: number;
  readonly limit: number;
}

export async function transcriptPage(
  { deps, principal }: ApiContext,
  { sessionId, after, limit }: Request,
): Promise<TranscriptPage> {
  await deps.access.find(principal, sessionId);
  const rows = await deps.journal.events.transcript(sessionId, { after, limit });
  const nextAfter = rows.length < limit ? null : (rows.at(-1)?.position ?? null);
  return { messages: rows.map(withoutNative), nextAfter };
}

/** The provider's own form is for the worker: large, and of no meaning to a client. */
function withoutNative(message: TranscriptMessage): TranscriptMessage {
  if (message.role !== 'assistant') return message;
  const { native: _, ...shown } = message;
  return shown;
}
