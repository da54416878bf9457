/** The AsyncAPI document: the events of a session, over whichever transport. */
import { z } from 'zod';
import { EVENT_DATA, EVENT_TYPES, envelopeSchema, type EventType } from '../../contracts/events.ts';
import { API_VERSION } from '../version.ts';
import { embeddable } from './json-schema.ts';

type Json = Record<string, unknown>;

const messageName = (type: EventType): string =>
  type
    .split(/[._]/)
    .map((word) => word[0]!.toUpperCase() + word.slice(1))
    .join('');

/** AsyncAPI 3.0 takes JSON Schema draft 07. */
function payloadOf(type: EventType): Json {
  const { shape } = envelopeSchema;
  const schema = z.object({ ...shape, type: z.literal(type), data: EVENT_DATA[type] });
  return embeddable(schema, 'draft-7');
}

const messages = (): Json =>
  Object.fromEntries(
    EVENT_TYPES.map((type) => [
      messageName(type),
      { name: type, title: type, contentType: 'application/json', payload: payloadOf(type) },
    ]),
  );

const refs = (base: string): { $ref: string }[] =>
  EVENT_TYPES.map((type) => ({ $ref: `${base}/${messageName(type)}` }));

export const generateAsyncApi = (): Json => ({
  asyncapi: '3.0.0',
  info: {
    title: 'Perdure events',
    version: API_VERSION,
    description:
      'One schema for server-sent events, WebSocket and polling. Numbers (`seq`) rise in commit order and may have holes: never expect `seq + 1`. ' +
      'A client resumes with the last number that it saw.',
  },
  servers: {
    local: {
      host: '127.0.0.1:7400',
      protocol: 'http',
      description:
        'Plain server-sent events at the address of the channel; tRPC over HTTP, SSE and WebSocket at /trpc.',
    },
  },
  channels: {
    sessionEvents: {
      address: '/api/sessions/{sessionId}/events',
      parameters: { sessionId: { description: 'A session id, ses_…' } },
      messages: Object.fromEntries(
        EVENT_TYPES.map((type) => [
          messageName(type),
          { $ref: `#/components/messages/${messageName(type)}` },
        ]),
      ),
    },
  },
  operations: {
    receiveSessionEvents: {
      action: 'send',
      summary: 'Everything that happens in a session, from any number on, in order, each once.',
      channel: { $ref: '#/channels/sessionEvents' },
      messages: refs('#/channels/sessionEvents/messages'),
    },
  },
  components: { messages: messages() },
});
