import { access } from 'node:fs/promises';
import { ApplicationFailure } from '@temporalio/common';
import { WorkflowUpdateFailedError } from '@temporalio/client';
import { describe, expect, test } from 'vitest';
import { engineError } from '../../api/engine/engine-errors.ts';
import { statusOf, toPerdureError } from '../../api/errors.ts';
import { problemOf } from '../../api/http/problem.ts';
import { ERROR_CODES, ERRORS } from '../../contracts/errors.ts';
import { PerdureError } from '../../contracts/perdure-error.ts';
import type { Journal } from '../../journal/port.ts';
import { eventually, startFixture } from './support/fixture.ts';

const ANSWERED = ERROR_CODES.filter((code) => ERRORS[code].status !== null);

test.each(ANSWERED)(
  '%s is answered with its own status and leads to a page that exists',
  async (code) => {
    const problem = problemOf(new PerdureError(code), 'r-1');
    expect(problem).toMatchObject({
      code,
      status: ERRORS[code].status,
      retryable: ERRORS[code].retryable,
    });
    await access(`${problem.type.slice(1)}.md`);
  },
);

describe("Temporal's errors", () => {
  const grpc = (code: number) =>
    Object.assign(new Error('grpc'), { code, details: '', metadata: {} });

  test.each([
    [14, 'engine_unavailable'],
    [4, 'engine_unavailable'],
    [8, 'resource_exhausted'],
    [9, 'worker_unavailable'],
  ] as const)('gRPC status %i is %s', (status, code) => {
    expect(engineError(grpc(status))).toMatchObject({ code });
    expect(engineError(new Error('wrapped', { cause: grpc(status) }))).toMatchObject({ code });
  });

  test('an update that a validator refused keeps its code and sentence', () => {
    const refused = new WorkflowUpdateFailedError(
      'failed',
      ApplicationFailure.nonRetryable('gone', 'not_found'),
    );
    expect(engineError(refused)).toMatchObject({ code: 'not_found', message: 'gone' });
    const strange = new WorkflowUpdateFailedError(
      'failed',
      ApplicationFailure.nonRetryable('x', 'Strange'),
    );
    expect(engineError(strange)).toMatchObject({ code: 'internal' });
  });

  test('anything else stays what it is, and is answered as internal', () => {
    const error = new TypeError('x is not a function');
    expect(engineError(error)).toBe(error);
    expect(statusOf(toPerdureError(error))).toBe(500);
  });
});

/** Replaces one method of the events part. */
const withEvents =
  (replace: Partial<Journal['events']>) =>
  (journal: Journal): Journal => ({ ...journal, events: { ...journal.events, ...replace } });

test('what nobody foresaw is answered as internal, without its cause', async () => {
  await using product = await startFixture({
    wrap: withEvents({ queued: () => Promise.reject(new TypeError('password is hunter2')) }),
  });
  const { sessionId } = (await product.send('POST', '/api/sessions', { body: {} })).body;
  const answer = await product.send('GET', `/api/sessions/${sessionId}/queue`);
  expect([answer.status, answer.body.code]).toEqual([500, 'internal']);
  expect(JSON.stringify(answer.body)).not.toContain('hunter2');
});

test('a cursor before what is kept is answered cursor_expired, by polling and before a stream begins', async () => {
  const expired = () => Promise.reject(new PerdureError('cursor_expired', 'gone'));
  await using product = await startFixture({ wrap: withEvents({ read: expired }) });
  const { sessionId } = (await product.send('POST', '/api/sessions', { body: {} })).body;
  for (const accept of ['application/json', 'text/event-stream']) {
    const answer = await product.send('GET', `/api/sessions/${sessionId}/events`, {
      headers: { accept },
    });
    expect([answer.status, answer.body.code]).toEqual([410, 'cursor_expired']);
  }
});

test('a result that comes after its call timed out is refused with result_late', async () => {
  await using product = await startFixture({ worker: true });
  const tool = {
    name: 'quick',
    description: 'x',
    inputSchema: { type: 'object' },
    effect: 'read',
    timeoutMs: 1_000,
  };
  const { sessionId } = (
    await product.send('POST', '/api/sessions', {
      body: { tools: [tool], message: 'call=quick{}' },
    })
  ).body;
  const [call] = await eventually(
    () => product.journal.ledger.pending({ tenant: 'local' }, 10),
    (calls) => calls.length === 1,
  );
  const path = `/api/tools/${call!.callId}`;
  await product.send('POST', `${path}/claim`, { body: { holder: 'me' } });
  await eventually(
    () => product.send('GET', `/api/sessions/${sessionId}`),
    ({ body }) => body['state'] === 'waiting',
  );
  const late = await product.send('POST', `${path}/result`, {
    body: { outcome: { status: 'completed', result: 1 } },
  });
  expect([late.status, late.body.code]).toEqual([409, 'result_late']);
});
