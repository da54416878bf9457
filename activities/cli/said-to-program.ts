/** What a program is sent of the messages that a step accepts. */
import type { IncomingMessage } from '../../contracts/activities.ts';
import type { Part } from '../../contracts/content.ts';
import type { SessionId } from '../../contracts/ids.ts';
import type { TranscriptMessage } from '../../contracts/transcript.ts';
import type { Journal, SessionRow } from '../../journal/port.ts';
import { inlineArtifacts } from '../model/context/artifacts.ts';
import { saidText } from '../model/context/said.ts';

/** A million characters of files, as programs know nothing of windows before they have read them. */
const CONTEXT_TOKENS = 65_536;

/** Files of text are put in place, others are told by their names. @throws {PerdureError} `context_too_long` */
export async function saidToProgram(
  journal: Journal,
  session: Pick<SessionRow, 'sessionId' | 'tenant'>,
  messages: readonly IncomingMessage[],
): Promise<string> {
  const rows: TranscriptMessage[] = [];
  for (const [position, { messageId, content }] of messages.entries()) {
    const said = content ?? (await contentOf(journal, session.sessionId, messageId));
    rows.push({
      ...{ role: 'user', id: messageId, turn: messageId, step: 1, at: '' },
      content: said,
      position,
    });
  }
  const turn = messages[0]?.messageId;
  if (turn === undefined) return '';
  const reader = { artifacts: journal.artifacts, tenant: session.tenant };
  const inlined = await inlineArtifacts(rows, reader, { turn, contextTokens: CONTEXT_TOKENS });
  return inlined.map((row) => (row.role === 'user' ? saidText(row.content) : '')).join('\n\n');
}

/** A queued one is in the journal already. */
const contentOf = async (
  journal: Journal,
  sessionId: SessionId,
  messageId: IncomingMessage['messageId'],
): Promise<readonly Part[]> => {
  const known = await journal.events.message(sessionId, messageId);
  return known && known.state !== 'removed' ? known.content : [];
};
