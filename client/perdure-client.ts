/** The client: isomorphic, for browsers and Node 24; nothing in this room may import from Node. */
import type { MessageId, SessionId } from '../contracts/ids.ts';
import { newId, parseId } from '../contracts/ids.ts';
import type { RegisterRunner } from '../contracts/runners.ts';
import type { StartSessionInput } from '../contracts/session.ts';
import { approvalsClient } from './approvals.ts';
import type { ApprovalsClient } from './approvals.ts';
import { artifactBytes } from './artifacts.ts';
import { createCalls } from './calls.ts';
import type { CallSettings } from './calls.ts';
import { connectionOf } from './connection.ts';
import type { Connection, ConnectionOptions } from './connection.ts';
import { contextsClient } from './contexts.ts';
import type { ContextsClient } from './contexts.ts';
import { pollTransport } from './events/poll.ts';
import { sseTransport } from './events/sse.ts';
import type { EventTransport } from './events/transport.ts';
import { websocketTransport } from './events/websocket.ts';
import { runnerClient } from './runner.ts';
import type { RunnerClient } from './runner.ts';
import { runnersClient } from './runners.ts';
import type { RunnersClient } from './runners.ts';
import { sessionClient } from './session.ts';
import type { SessionClient } from './session.ts';
import type { CallOptions } from './session-commands.ts';
import { createSocket } from './socket.ts';
import type { Socket } from './socket.ts';
import { createTrpc } from './trpc.ts';
import type { Trpc } from './trpc.ts';

/** `sse` costs the server least; `ws` shares one socket between all sessions of a client; `poll` needs nothing but plain requests. */
export type TransportName = 'sse' | 'poll' | 'ws';

export interface ClientOptions extends ConnectionOptions, Partial<CallSettings> {
  /** How events come; `sse` where absent. */
  readonly transport?: TransportName | undefined;
  /** Gathers the commands of one tick into one request. */
  readonly batch?: boolean | undefined;
}

export interface StartOptions
  extends CallOptions, Omit<StartSessionInput, 'sessionId' | 'messageId'> {
  /** Made anew where absent. The same id with the same request is the same session. */
  readonly sessionId?: SessionId | undefined;
  readonly messageId?: MessageId | undefined;
}

export interface PerdureClient extends Disposable {
  /** Every procedure with its types, unrepeated, throwing tRPC's own errors. */
  readonly trpc: Trpc;
  /**
   * A call of any procedure with this client's time limits, repeats and typed errors. The call has to be one that may be repeated.
   * @example client.call((trpc, options) => trpc.agent.list.query(undefined, options))
   */
  readonly call: <T>(
    action: (trpc: Trpc, options: { signal: AbortSignal }) => Promise<T>,
    signal?: AbortSignal,
  ) => Promise<T>;
  /**
   * Starts a session, with or without a first message; network failures are waited out and the same start is sent again.
   * @throws {PerdureError} `invalid_input` (unknown agent, model or workspace), `idempotency_conflict`, `rate_limited` …
   */
  start(options?: StartOptions): Promise<StartedSession>;
  /** A session by its id. No request is made. @throws {PerdureError} `invalid_id` */
  session(sessionId: string): SessionClient;
  /** The bytes of an artifact: what was too large for an event or a message. @throws {PerdureError} `not_found` */
  artifact(artifact: string, options?: CallOptions): Promise<Uint8Array>;
  /** Calls of tools that wait for a person's word. */
  readonly approvals: ApprovalsClient;
  /** Which session is active in which window, project or chat room. */
  readonly contexts: ContextsClient;
  /** Which runners may serve you, and with whom they are shared. */
  readonly runners: RunnersClient;
  /** What a program needs that executes tools for agents: see docs/runner.md. No request is made. */
  runner(registration: RegisterRunner): RunnerClient;
  /** Closes the WebSocket, if there is one. Streams end by their own signals. */
  close(): void;
}

export interface StartedSession {
  readonly session: SessionClient;
  /** Of the first message, where there was one. */
  readonly messageId: MessageId | undefined;
}

const RETRY_FOR_MS = 30_000;
const TIMEOUT_MS = 15_000;

/** A client of the API at `url`. It opens no connection before it is used. */
export function createPerdureClient({
  transport: name = 'sse',
  batch = false,
  retryForMs = RETRY_FOR_MS,
  timeoutMs = TIMEOUT_MS,
  retryDelay,
  ...where
}: ClientOptions): PerdureClient {
  const connection = connectionOf(where);
  const socket = createSocket(connection);
  const transport = transportOf(name, { connection, socket });
  const trpc = createTrpc(connection, batch);
  const calls = createCalls({ connection, trpc, transport }, { retryForMs, timeoutMs, retryDelay });
  return {
    trpc,
    call: calls.call,
    session: (sessionId) => sessionClient(calls, parseId(sessionId, 'ses')),
    async start({ signal, sessionId = newId('ses'), ...rest } = {}) {
      const messageId = rest.message === undefined ? undefined : (rest.messageId ?? newId('msg'));
      const input = { sessionId, ...rest, ...(messageId && { messageId }) };
      await calls.call((trpc, options) => trpc.session.start.mutate(input, options), signal);
      return { session: sessionClient(calls, sessionId), messageId };
    },
    artifact: (artifact, { signal } = {}) => artifactBytes(calls, artifact, signal),
    approvals: approvalsClient(calls),
    contexts: contextsClient(calls, socket),
    runners: runnersClient(calls),
    runner: (registration) => runnerClient(calls, registration),
    close: () => socket.close(),
    [Symbol.dispose]: () => socket.close(),
  };
}

function transportOf(
  name: TransportName,
  { connection, socket }: { connection: Connection; socket: Socket },
): EventTransport {
  if (name === 'ws') return websocketTransport(socket);
  return name === 'poll' ? pollTransport(connection) : sseTransport(connection);
}
