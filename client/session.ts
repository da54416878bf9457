/** One session: what can be said to it, what it says, and both together. */
import type { Content } from '../contracts/content.ts';
import { newId } from '../contracts/ids.ts';
import type { SessionId } from '../contracts/ids.ts';
import { answerTools } from './answer-tools.ts';
import type { AnswerOptions, ToolAnswering, ToolHandlers } from './answer-tools.ts';
import type { Calls } from './calls.ts';
import type { FollowOptions } from './events/resume.ts';
import { sessionCommands } from './session-commands.ts';
import type { SendOptions } from './session-commands.ts';
import { sessionEvents } from './session-events.ts';
import type { Reply } from './settled.ts';

export type SessionClient = ReturnType<typeof sessionClient>;

/** Made by `PerdureClient.session`. */
export function sessionClient(calls: Calls, sessionId: SessionId) {
  const commands = sessionCommands(calls, sessionId);
  const reading = sessionEvents(calls, sessionId);
  return {
    id: sessionId,
    ...commands,
    ...reading,

    /** Sends a message and waits for the reply, however often the connection breaks in between. */
    async sendAndWait(
      content: Content,
      { onConnection, retryDelay, ...sending }: SendOptions & FollowOptions = {},
    ): Promise<Reply> {
      const { signal, messageId = newId('msg') } = sending;
      // A message with an id of the caller's own may have been sent long ago: then the whole log is read.
      const after = sending.messageId ? 0 : (await commands.get({ signal })).lastSeq;
      await commands.send(content, { ...sending, messageId });
      const following = { after, signal, onConnection, retryDelay };
      return reading.onceSettled(messageId, { sent: content, ...following });
    },

    /** Answers the session's client tools with the caller's functions until it is closed. */
    answerTools: (handlers: ToolHandlers, options: AnswerOptions = {}): ToolAnswering =>
      answerTools({ calls, sessionId, events: reading.events }, { handlers, ...options }),
  };
}
