/** Messages that must be refused, each with what the answer says. */
import type { Bad } from './bad-requests.ts';

const long = (bytes: number): string => 'x'.repeat(bytes);
export const nested = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth);
const messages = (sessionId: string): string => `/api/sessions/${sessionId}/messages`;

export const BAD_MESSAGES: readonly Bad[] = [
  {
    what: 'an empty message',
    ask: ({ sessionId }) => ['POST', messages(sessionId), { body: { content: '' } }],
    status: 400,
    code: 'invalid_input',
    field: 'content',
  },
  {
    what: 'a message that is blank',
    ask: ({ sessionId }) => ['POST', messages(sessionId), { body: { content: ' \n\t ' } }],
    status: 400,
    code: 'invalid_input',
    field: 'content',
    says: /some text.*or an artifact/,
  },
  {
    what: 'a message whose parts are all blank',
    ask: ({ sessionId }) => [
      'POST',
      messages(sessionId),
      {
        body: {
          content: [
            { type: 'text', text: '' },
            { type: 'text', text: ' ' },
          ],
        },
      },
    ],
    status: 400,
    code: 'invalid_input',
    field: 'content',
    says: /some text.*or an artifact/,
  },
  {
    what: 'a blank first message',
    ask: () => ['POST', '/api/sessions', { body: { message: ' ' } }],
    status: 400,
    code: 'invalid_input',
    field: 'message',
  },
  {
    what: 'a message without content',
    ask: ({ sessionId }) => ['POST', messages(sessionId), { body: {} }],
    status: 400,
    code: 'invalid_input',
    field: 'content',
    says: /expected/,
  },
  {
    what: 'content of the wrong type',
    ask: ({ sessionId }) => ['POST', messages(sessionId), { body: { content: 7 } }],
    status: 400,
    code: 'invalid_input',
    field: 'content',
    says: /expected string.*or.*expected array/,
  },
  {
    what: 'a part of an unknown kind',
    ask: ({ sessionId }) => [
      'POST',
      messages(sessionId),
      { body: { content: [{ type: 'video' }] } },
    ],
    status: 400,
    code: 'invalid_input',
    field: 'content',
  },
  {
    what: 'a message that is too large',
    ask: ({ sessionId }) => [
      'POST',
      messages(sessionId),
      { body: { content: long(256 * 1024 + 1) } },
    ],
    status: 413,
    code: 'payload_too_large',
    field: 'content',
  },
  {
    what: 'a body that is too large',
    ask: ({ sessionId }) => ['POST', messages(sessionId), { body: { content: long(3_000_000) } }],
    status: 413,
    code: 'payload_too_large',
  },
  {
    what: 'an artifact that does not exist',
    ask: ({ sessionId }) => [
      'POST',
      messages(sessionId),
      {
        body: {
          content: [
            {
              type: 'artifact',
              artifact: `sha256_${long(64).replaceAll('x', '0')}`,
              mediaType: 'text/plain',
              bytes: 1,
            },
          ],
        },
      },
    ],
    status: 404,
    code: 'not_found',
    field: 'content',
  },
  {
    what: 'an unknown field',
    ask: ({ sessionId }) => [
      'POST',
      messages(sessionId),
      { body: { content: 'x', colour: 'red' } },
    ],
    status: 400,
    code: 'invalid_input',
    field: 'colour',
    says: /no such field/,
  },
  {
    what: 'an unknown policy',
    ask: ({ sessionId }) => [
      'POST',
      messages(sessionId),
      { body: { content: 'x', policy: 'shout' } },
    ],
    status: 400,
    code: 'invalid_input',
    field: 'policy',
    says: /enqueue.*interrupt.*steer.*reject/,
  },
  {
    what: 'JSON that is none',
    ask: ({ sessionId }) => ['POST', messages(sessionId), { body: '{"content":' }],
    status: 400,
    code: 'invalid_input',
    says: /not valid JSON/,
  },
  {
    what: 'JSON that is no object',
    ask: ({ sessionId }) => ['POST', messages(sessionId), { body: '[1]' }],
    status: 400,
    code: 'invalid_input',
    says: /JSON object/,
  },
  {
    what: 'another content type',
    ask: ({ sessionId }) => [
      'POST',
      messages(sessionId),
      { body: 'content=x', headers: { 'content-type': 'application/x-www-form-urlencoded' } },
    ],
    status: 415,
    code: 'invalid_input',
    says: /application\/json/,
  },
  {
    what: 'a NUL',
    ask: ({ sessionId }) => ['POST', messages(sessionId), { body: '{"content":"a\\u0000b"}' }],
    status: 400,
    code: 'invalid_input',
    field: 'content',
    says: /NUL/,
  },
  {
    what: 'half a surrogate pair',
    ask: ({ sessionId }) => ['POST', messages(sessionId), { body: '{"content":"\\ud83d"}' }],
    status: 400,
    code: 'invalid_input',
    field: 'content',
    says: /surrogate/,
  },
  {
    what: '__proto__',
    ask: ({ sessionId }) => [
      'POST',
      messages(sessionId),
      { body: '{"content":"x","__proto__":{"admin":true}}' },
    ],
    status: 400,
    code: 'invalid_input',
    field: '__proto__',
    says: /not allowed/,
  },
  {
    what: 'constructor.prototype, however deep',
    ask: ({ sessionId }) => [
      'POST',
      messages(sessionId),
      { body: '{"content":[{"type":"text","text":"x","constructor":{"prototype":{}}}]}' },
    ],
    status: 400,
    code: 'invalid_input',
    field: 'content[0].constructor',
    says: /not allowed/,
  },
  {
    what: 'JSON nested without end',
    ask: ({ sessionId }) => [
      'POST',
      messages(sessionId),
      { body: `{"content":${nested(50_000)}}` },
    ],
    status: 400,
    code: 'invalid_input',
    says: /deep/,
  },
  {
    what: 'a wait that is no time',
    ask: ({ sessionId }) => [
      'POST',
      `${messages(sessionId)}?wait=soon`,
      { body: { content: 'x' } },
    ],
    status: 400,
    code: 'invalid_input',
    field: 'wait',
    says: /20s/,
  },
  {
    what: 'a wait that is too long',
    ask: ({ sessionId }) => [
      'POST',
      `${messages(sessionId)}?wait=1000s`,
      { body: { content: 'x' } },
    ],
    status: 400,
    code: 'invalid_input',
    field: 'wait',
  },
  {
    what: 'a query that the path does not know',
    ask: ({ sessionId }) => ['POST', `${messages(sessionId)}?content=x`, { body: {} }],
    status: 400,
    code: 'invalid_input',
    field: 'content',
    says: /body/,
  },
];
