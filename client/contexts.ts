/** Contexts: a window, a project, a chat room, each with the session that is active in it. They are the user's own. */
import type { SessionId } from '../contracts/ids.ts';
import type { Calls } from './calls.ts';
import { reconnecting } from './events/resume.ts';
import type { ReconnectOptions } from './events/resume.ts';
import type { CallOptions } from './session-commands.ts';
import type { Socket } from './socket.ts';

export interface ActiveContext {
  readonly context: string;
  /** Null where none is active. */
  readonly sessionId: SessionId | null;
  /** ISO 8601; null where the context was never used. */
  readonly updatedAt: string | null;
}

export type ContextsClient = ReturnType<typeof contextsClient>;

/** Made by `PerdureClient.contexts`. */
export const contextsClient = ({ call }: Calls, socket: Socket) => ({
  async list({ signal }: CallOptions = {}): Promise<readonly ActiveContext[]> {
    const { contexts } = await call((trpc, options) => {
      return trpc.context.list.query(undefined, options);
    }, signal);
    return contexts;
  },

  /** The session that is active in a context; `sessionId` is null where none is. */
  active: (context: string, { signal }: CallOptions = {}): Promise<ActiveContext> =>
    call((trpc, options) => trpc.context.get.query({ context }, options), signal),

  /** Makes a session the active one of a context, or none. @throws {PerdureError} `not_found` */
  activate: (
    context: string,
    sessionId: SessionId | null,
    { signal }: CallOptions = {},
  ): Promise<ActiveContext> =>
    call((trpc, options) => trpc.context.set.mutate({ context, sessionId }, options), signal),

  /**
   * All contexts as they are, then every change from any client; after a reconnect all of them come again. Needs a WebSocket, whatever
   * the transport of events.
   */
  changes: (options: ReconnectOptions = {}): AsyncGenerator<ActiveContext, void, undefined> =>
    reconnecting(
      (signal, onOpen) =>
        socket.subscription<ActiveContext>(
          (trpc, callbacks) => trpc.context.changes.subscribe(undefined, callbacks),
          { signal, onOpen },
        ),
      options,
    ),
});
