/** Requests that must be refused, each with what the answer says. */
import { newId } from '../../../contracts/ids.ts';
import type { RequestOptions } from './fixture.ts';

const long = (bytes: number): string => 'x'.repeat(bytes);

interface There {
  readonly sessionId: string;
  readonly folder: string;
}

export interface Bad {
  readonly what: string;
  readonly ask: (there: There) => [string, string, RequestOptions?];
  readonly status: number;
  readonly code: string;
  readonly field?: string;
  readonly says?: RegExp;
}

export const BAD_REQUESTS: readonly Bad[] = [
  {
    what: 'a tool with a pattern that is not matched in linear time',
    ask: () => {
      const inputSchema = { type: 'object', properties: { a: { pattern: '^(?=a)a+$' } } };
      const tools = [{ name: 'ask', description: 'x', inputSchema }];
      return ['POST', '/api/sessions', { body: { tools } }];
    },
    status: 400,
    code: 'invalid_input',
    field: 'tools[0].inputSchema.properties.a.pattern',
    says: /\(\?=a\).*expected a regular expression that RE2 knows/,
  },
  {
    what: 'a malformed id',
    ask: () => ['GET', '/api/sessions/nope'],
    status: 400,
    code: 'invalid_id',
    field: 'sessionId',
    says: /expected "ses_"/,
  },
  {
    what: 'an id of another kind',
    ask: () => ['GET', `/api/sessions/${newId('msg')}`],
    status: 400,
    code: 'invalid_id',
  },
  {
    what: 'an id in capitals',
    ask: () => ['GET', `/api/sessions/${newId('ses').toUpperCase()}`],
    status: 400,
    code: 'invalid_id',
  },
  {
    what: 'an unknown id',
    ask: () => ['GET', `/api/sessions/${newId('ses')}`],
    status: 404,
    code: 'not_found',
  },
  {
    what: 'a malformed job id',
    ask: () => ['GET', '/api/jobs/7/status'],
    status: 400,
    code: 'invalid_id',
    says: /"ses_" or "task_"/,
  },
  {
    what: 'an unknown task',
    ask: () => ['GET', `/api/jobs/${newId('task')}/status`],
    status: 404,
    code: 'not_found',
  },
  {
    what: 'a malformed id of a stream',
    ask: () => ['GET', '/api/sessions/nope/events', { headers: { accept: 'text/event-stream' } }],
    status: 400,
    code: 'invalid_id',
    field: 'sessionId',
    says: /expected "ses_"/,
  },
  {
    what: 'an outcome of an unknown kind',
    ask: () => [
      'POST',
      `/api/tools/${newId('call')}/result`,
      { body: { outcome: { status: 'done' } } },
    ],
    status: 400,
    code: 'invalid_input',
    field: 'outcome.status',
    says: /expected one of "completed", "failed"/,
  },
  {
    what: 'an outcome with a result and an artifact instead of it',
    ask: () => [
      'POST',
      `/api/tools/${newId('call')}/result`,
      {
        body: {
          outcome: {
            status: 'completed',
            result: 1,
            artifact: {
              artifact: `sha256_${'0'.repeat(64)}`,
              mediaType: 'text/plain',
              bytes: 1,
            },
          },
        },
      },
    ],
    status: 400,
    code: 'invalid_input',
    field: 'outcome.artifact',
    says: /"result".*not both/,
  },
  {
    what: 'an edit of an unknown kind',
    ask: ({ sessionId }) => [
      'PATCH',
      `/api/sessions/${sessionId}/queue`,
      { body: { edit: { action: 'shuffle' } } },
    ],
    status: 400,
    code: 'invalid_input',
    field: 'edit.action',
    says: /expected one of "edit", "remove", "move", "steer"/,
  },
  {
    what: 'an unknown agent',
    ask: () => ['POST', '/api/sessions', { body: { agent: 'nobody' } }],
    status: 400,
    code: 'invalid_input',
    field: 'agent',
    says: /expected one of assistant, editor, abroad, asker/,
  },
  {
    what: 'an agent named like a method of objects',
    ask: () => ['POST', '/api/sessions', { body: { agent: 'constructor' } }],
    status: 400,
    code: 'invalid_input',
    field: 'agent',
  },
  {
    what: 'an unknown model',
    ask: () => ['POST', '/api/sessions', { body: { model: 'nothing' } }],
    status: 400,
    code: 'invalid_input',
    field: 'model',
  },
  {
    what: 'a limit below its least',
    ask: () => ['POST', '/api/sessions', { body: { limits: { stepsPerTurn: 0 } } }],
    status: 400,
    code: 'invalid_input',
    field: 'limits.stepsPerTurn',
    says: />=1/,
  },
  {
    what: 'a workspace outside the roots',
    ask: () => ['POST', '/api/sessions', { body: { workspace: '/etc' } }],
    status: 403,
    code: 'forbidden',
    field: 'workspace',
  },
  {
    what: 'a workspace that climbs out of a root',
    ask: ({ folder }) => ['POST', '/api/sessions', { body: { workspace: `${folder}/..` } }],
    status: 403,
    code: 'forbidden',
    field: 'workspace',
  },
  {
    what: 'a workspace that does not exist',
    ask: ({ folder }) => ['POST', '/api/sessions', { body: { workspace: `${folder}/none` } }],
    status: 403,
    code: 'forbidden',
    field: 'workspace',
  },
  {
    what: 'a relative workspace',
    ask: () => ['POST', '/api/sessions', { body: { workspace: 'src' } }],
    status: 400,
    code: 'invalid_input',
    field: 'workspace',
    says: /absolute/,
  },
  {
    what: 'a file as workspace',
    ask: ({ folder }) => [
      'POST',
      '/api/sessions',
      { body: { workspace: `${folder}/journal.sqlite` } },
    ],
    status: 400,
    code: 'invalid_input',
    field: 'workspace',
    says: /folder/,
  },
  {
    what: 'a page size that is none',
    ask: () => ['GET', '/api/sessions?limit=many'],
    status: 400,
    code: 'invalid_input',
    field: 'limit',
    says: /number/,
  },
  {
    what: 'a page size beyond the most',
    ask: () => ['GET', '/api/sessions?limit=201'],
    status: 400,
    code: 'invalid_input',
    field: 'limit',
    says: /200/,
  },
  {
    what: 'a cursor of nobody',
    ask: () => ['GET', '/api/sessions?cursor=%00'],
    status: 400,
    code: 'invalid_input',
    field: 'cursor',
  },
  {
    what: 'an event number below 0',
    ask: ({ sessionId }) => ['GET', `/api/sessions/${sessionId}/events?after=-1`],
    status: 400,
    code: 'invalid_input',
    field: 'after',
  },
  {
    what: 'an event number beyond the head',
    ask: ({ sessionId }) => ['GET', `/api/sessions/${sessionId}/events?after=1000`],
    status: 400,
    code: 'invalid_input',
    field: 'after',
    says: /beyond the last event/,
  },
  {
    what: 'an idempotency key that is too long',
    ask: () => ['POST', '/api/sessions', { body: {}, headers: { 'idempotency-key': long(201) } }],
    status: 400,
    code: 'invalid_input',
    field: 'Idempotency-Key',
  },
  {
    what: 'a path that leads nowhere',
    ask: () => ['GET', '/api/nothing'],
    status: 404,
    code: 'not_found',
  },
  {
    what: 'a method that the path does not know',
    ask: () => ['DELETE', '/api/sessions'],
    status: 405,
    code: 'invalid_input',
    says: /expected GET, POST/,
  },
  {
    what: 'a path that is no URL',
    ask: () => ['GET', '/api/sessions/%E0%A4%A'],
    status: 400,
    code: 'invalid_input',
  },
  {
    what: 'an empty artifact',
    ask: () => ['POST', '/api/artifacts', { headers: { 'content-type': 'text/plain' } }],
    status: 400,
    code: 'invalid_input',
  },
  {
    what: 'an artifact id that is none',
    ask: () => ['GET', '/api/artifacts/x'],
    status: 400,
    code: 'invalid_id',
    says: /sha256_/,
    field: 'artifact',
  },
  {
    what: 'a tool answer of no kind',
    ask: () => [
      'POST',
      `/api/tools/${newId('call')}/result`,
      { body: { outcome: { status: 'perhaps' } } },
    ],
    status: 400,
    code: 'invalid_input',
    field: 'outcome.status',
  },
];
