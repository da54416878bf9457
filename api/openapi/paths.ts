/** The few paths that are no procedures: plain bytes. */
const problem = {
  'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } },
};

export const problemResponse = { description: 'What went wrong.', content: problem };

const artifactRef = {
  type: 'object',
  required: ['artifact', 'mediaType', 'bytes'],
  properties: {
    artifact: { type: 'string', description: 'sha256_ and the hash of the bytes.' },
    mediaType: { type: 'string' },
    bytes: { type: 'integer' },
    name: { type: 'string' },
  },
};

const bytes = { '*/*': { schema: { type: 'string', format: 'binary' } } };

export const artifactPaths = {
  '/api/artifacts': {
    post: {
      operationId: 'artifact-upload',
      tags: ['artifacts'],
      summary: 'Upload bytes, up to 32 MiB; the same bytes are stored once',
      parameters: [
        { in: 'query', name: 'name', required: false, schema: { type: 'string', maxLength: 255 } },
      ],
      requestBody: { required: true, content: bytes },
      responses: {
        201: {
          description: 'What a message or a tool result names it by.',
          content: { 'application/json': { schema: artifactRef } },
        },
        default: problemResponse,
      },
    },
  },
  '/api/artifacts/{artifact}': {
    get: {
      operationId: 'artifact-download',
      tags: ['artifacts'],
      summary: 'The bytes of an artifact',
      parameters: [{ in: 'path', name: 'artifact', required: true, schema: { type: 'string' } }],
      responses: { 200: { description: 'The bytes.', content: bytes }, default: problemResponse },
    },
  },
};
