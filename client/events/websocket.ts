/** Events over the API's WebSocket: one socket for all sessions of a client. */
import type { PerdureEvent } from '../../contracts/events.ts';
import type { Socket } from '../socket.ts';
import type { EventTransport } from './transport.ts';

export const websocketTransport = (socket: Socket): EventTransport =>
  async function* ({ sessionId, after, signal, onOpen }) {
    const tracked = socket.subscription<{ readonly data: unknown }>(
      (trpc, callbacks) => trpc.session.events.subscribe({ sessionId, after }, callbacks),
      { signal, onOpen },
    );
    for await (const { data } of tracked) yield data as PerdureEvent;
  };
