import { describe, expect, test } from 'vitest';
import {
  Answered,
  AuthFailure,
  classifyAuthFailure,
  mayHaveHappened,
} from '../../../activities/auth/failure.ts';
import { PerdureError } from '../../../contracts/perdure-error.ts';

const answered = (status: number, code?: string) => new Answered({ status, code });
const network = (code: string) =>
  new TypeError('fetch failed', { cause: Object.assign(new Error(`connect ${code}`), { code }) });
const timeout = new DOMException('The operation was aborted due to timeout', 'TimeoutError');
const journalGone = new PerdureError('journal_unavailable');

describe('a failure to sign in is', () => {
  test.each([
    [answered(429), 'rate_limited'],
    [answered(408), 'timeout'],
    [answered(504), 'timeout'],
    [answered(500), 'provider_error'],
    [answered(503), 'provider_error'],
    [answered(400, 'temporarily_unavailable'), 'provider_error'],
    [answered(400, 'server_error'), 'provider_error'],
    [new SyntaxError('no JSON'), 'provider_error'],
    ['a text', 'provider_error'],
    [timeout, 'timeout'],
    [network('ECONNREFUSED'), 'network'],
    [network('ENOTFOUND'), 'network'],
    [journalGone, 'unavailable'],
    [new AuthFailure('circuit_open', 'x'), 'circuit_open'],
  ])('tried again: %s is %s', (error, kind) => {
    expect(classifyAuthFailure(error)).toMatchObject({ kind, retryable: true });
  });

  test.each([
    [answered(401), 'invalid_credentials'],
    [answered(403), 'invalid_credentials'],
    [answered(400, 'invalid_grant'), 'invalid_credentials'],
    [answered(400, 'invalid_client'), 'invalid_credentials'],
    [answered(400, 'unauthorized_client'), 'invalid_credentials'],
    [answered(400, 'access_denied'), 'invalid_credentials'],
    [answered(400, 'invalid_scope'), 'misconfigured'],
    [answered(400), 'misconfigured'],
    [answered(302), 'misconfigured'],
    [answered(404), 'misconfigured'],
    [new AuthFailure('unknown_credential', 'x'), 'unknown_credential'],
    [new AuthFailure('misconfigured', 'x'), 'misconfigured'],
  ])('final: %s is %s', (error, kind) => {
    expect(classifyAuthFailure(error)).toMatchObject({ kind, retryable: false, outage: false });
  });

  test.each([
    [answered(503), true],
    [answered(429), true],
    [timeout, true],
    [network('ECONNRESET'), true],
    [journalGone, false],
    [new AuthFailure('circuit_open', 'x'), false],
  ])('counted against the provider: %s: %s', (error, outage) => {
    expect(classifyAuthFailure(error).outage).toBe(outage);
  });

  test('told with what lies behind a failed fetch, and with the wait that was asked for', () => {
    expect(classifyAuthFailure(network('ECONNREFUSED')).reason).toBe(
      'fetch failed: connect ECONNREFUSED',
    );
    expect(classifyAuthFailure(timeout).reason).toBe('no answer in time');
    expect(classifyAuthFailure(new Answered({ status: 429, retryAfterMs: 7_000 }))).toMatchObject({
      retryAfterMs: 7_000,
    });
    const open = new AuthFailure('circuit_open', 'x', { retryAfterMs: 5 });
    expect(classifyAuthFailure(open).retryAfterMs).toBe(5);
  });
});

test.each([
  [answered(503), false],
  [answered(502), true],
  [answered(504), true],
  [timeout, true],
  [network('ECONNRESET'), true],
  [network('ECONNREFUSED'), false],
  [new SyntaxError('no JSON'), true],
  [journalGone, false],
  [new AuthFailure('circuit_open', 'x'), false],
])('whether an exchange that failed with %s may have happened: %s', (error, may) => {
  expect(mayHaveHappened(error)).toBe(may);
});
