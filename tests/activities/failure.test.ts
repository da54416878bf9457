import {
  APICallError,
  EmptyResponseBodyError,
  InvalidPromptError,
  InvalidResponseDataError,
  JSONParseError,
  LoadAPIKeyError,
  NoSuchModelError,
  TypeValidationError,
  UnsupportedFunctionalityError,
} from '@ai-sdk/provider';
import { StreamProviderError } from 'ai';
import { describe, expect, it } from 'vitest';
import {
  ContentRefused,
  IncompleteAnswer,
  ModelTimeout,
  classifyFailure,
  isUnbilled,
} from '../../activities/model/failure.ts';
import { redact } from '../../activities/model/redaction.ts';
import { judge } from '../../activities/model/verdict.ts';
import { PerdureError } from '../../contracts/perdure-error.ts';
import { POLICIES } from '../../contracts/policies.ts';

const http = (
  statusCode: number | undefined,
  message = 'no',
  responseHeaders: Record<string, string> = {},
): APICallError =>
  new APICallError({
    message,
    url: 'http://x',
    requestBodyValues: {},
    responseHeaders,
    ...(statusCode === undefined ? {} : { statusCode }),
  });
const event = (message: string, more: object = {}): StreamProviderError =>
  new StreamProviderError({ message, ...more });
const caused = (code: string): Error =>
  new Error('x', { cause: Object.assign(new Error('y'), { code }) });

/** What it is → [code, retried, another model may do, counts for the breaker]. */
const TABLE: [string, unknown, [string, boolean, boolean, boolean]][] = [
  ['HTTP 500', http(500), ['model_unavailable', true, true, true]],
  ['HTTP 503', http(503), ['model_unavailable', true, true, true]],
  ['HTTP 529', http(529), ['model_unavailable', true, true, true]],
  ['HTTP 429', http(429), ['model_unavailable', true, true, true]],
  ['HTTP 409', http(409), ['model_unavailable', true, true, true]],
  [
    'HTTP 429 without quota',
    http(429, 'insufficient_quota'),
    ['model_rejected', false, true, false],
  ],
  ['HTTP 408', http(408), ['model_timeout', true, true, true]],
  ['HTTP 504', http(504), ['model_timeout', true, true, true]],
  ['HTTP 401', http(401), ['model_rejected', false, true, false]],
  ['HTTP 402', http(402), ['model_rejected', false, true, false]],
  ['HTTP 403', http(403), ['model_rejected', false, true, false]],
  [
    'HTTP 403 by moderation',
    http(403, 'flagged by moderation'),
    ['model_rejected', false, false, false],
  ],
  ['HTTP 404', http(404), ['model_rejected', false, true, false]],
  ['HTTP 400', http(400), ['model_rejected', false, false, false]],
  [
    'HTTP 400 of an unknown model',
    http(400, 'model does not exist'),
    ['model_rejected', false, true, false],
  ],
  [
    'HTTP 400 of refused content',
    http(400, 'content policy'),
    ['model_rejected', false, false, false],
  ],
  [
    'HTTP 400 that is too long',
    http(400, 'prompt is too long: 9 tokens'),
    ['context_too_long', false, true, false],
  ],
  ['HTTP 413', http(413), ['context_too_long', false, true, false]],
  ['HTTP 422', http(422), ['model_rejected', false, false, false]],
  ['a stream cut after 200', http(200), ['network_error', true, true, true]],
  ['no connection', http(undefined), ['network_error', true, true, true]],
  ['ECONNREFUSED in a cause', caused('ECONNREFUSED'), ['network_error', true, true, true]],
  ['ECONNRESET in a cause', caused('ECONNRESET'), ['network_error', true, true, true]],
  ['fetch failed', new TypeError('fetch failed'), ['network_error', true, true, true]],
  ['terminated', new TypeError('terminated'), ['network_error', true, true, true]],
  [
    'an overload in mid-stream',
    event('Overloaded', { type: 'overloaded_error', isRetryable: false }),
    ['model_unavailable', true, true, true],
  ],
  [
    'a rate limit in mid-stream',
    event('Rate limit reached'),
    ['model_unavailable', true, true, true],
  ],
  [
    'a status in mid-stream',
    event('x', { statusCode: 401 }),
    ['model_rejected', false, true, false],
  ],
  [
    'a status as a code in mid-stream',
    event('x', { code: 502 }),
    ['model_unavailable', true, true, true],
  ],
  ['a bad key in mid-stream', event('Invalid API key'), ['model_rejected', false, true, false]],
  [
    'an unknown model in mid-stream',
    event('unknown model foo'),
    ['model_rejected', false, true, false],
  ],
  [
    'a bad request in mid-stream',
    event('x', { type: 'invalid_request_error' }),
    ['model_rejected', false, false, false],
  ],
  [
    'too long in mid-stream',
    event('x', { code: 'context_length_exceeded' }),
    ['context_too_long', false, true, false],
  ],
  [
    'a refusal in mid-stream',
    event('stopped by the content filter'),
    ['model_rejected', false, false, false],
  ],
  ['anything else in mid-stream', event('hm'), ['model_unavailable', true, true, true]],
  [
    'broken JSON',
    new JSONParseError({ text: '{', cause: new Error('x') }),
    ['model_unavailable', true, true, false],
  ],
  [
    'invalid data',
    new InvalidResponseDataError({ data: {} }),
    ['model_unavailable', true, true, false],
  ],
  [
    'an unexpected shape',
    new TypeValidationError({ value: 1, cause: new Error('x') }),
    ['model_unavailable', true, true, false],
  ],
  ['an empty body', new EmptyResponseBodyError(), ['model_unavailable', true, true, false]],
  [
    'a stream without a finish',
    new IncompleteAnswer('x'),
    ['model_unavailable', true, true, false],
  ],
  ['our time-out', new ModelTimeout('silence', 30_000), ['model_timeout', true, true, true]],
  ['a filtered answer', new ContentRefused(), ['model_rejected', false, false, false]],
  ['a missing key', new LoadAPIKeyError({ message: 'x' }), ['model_rejected', false, true, false]],
  [
    'an unknown model',
    new NoSuchModelError({ modelId: 'x', modelType: 'languageModel' }),
    ['model_rejected', false, true, false],
  ],
  [
    'an impossible prompt',
    new InvalidPromptError({ prompt: {}, message: 'x' }),
    ['model_rejected', false, false, false],
  ],
  [
    'an unsupported feature',
    new UnsupportedFunctionalityError({ functionality: 'x' }),
    ['model_rejected', false, false, false],
  ],
  [
    'our own refusal',
    new PerdureError('model_rejected', 'x'),
    ['model_rejected', false, true, false],
  ],
  [
    'our own "too long"',
    new PerdureError('context_too_long', 'x'),
    ['context_too_long', false, true, false],
  ],
  ['an error nobody knows', new Error('x'), ['model_unavailable', true, true, false]],
  ['not even an error', 'x', ['model_unavailable', true, true, false]],
];

describe('the classifier', () => {
  it.each(TABLE)('knows %s', (_name, error, [code, retryable, fallback, outage]) => {
    const failure = classifyFailure(error);
    expect([failure.code, failure.retryable, failure.fallback, failure.outage]).toEqual([
      code,
      retryable,
      fallback,
      outage,
    ]);
    expect(failure.charged).toBe(true);
  });

  it('charges nobody for a journal that is away', () => {
    expect(classifyFailure(new PerdureError('journal_unavailable', 'x'))).toMatchObject({
      charged: false,
      retryable: true,
      code: 'journal_unavailable',
    });
  });

  it('asks to compact what the provider finds too long, and nothing else', () => {
    expect(classifyFailure(http(413)).compact).toBe(true);
    expect(classifyFailure(new PerdureError('context_too_long', 'x')).compact).toBeUndefined();
    expect(classifyFailure(http(500)).compact).toBeUndefined();
  });

  it.each([
    [{ 'retry-after': '7' }, 7_000],
    [{ 'retry-after': '0.5' }, 500],
    [{ 'retry-after-ms': '250', 'retry-after': '9' }, 250],
    [{ 'retry-after': 'Sat, 01 Jan 2000 00:00:10 GMT' }, 10_000],
    [{ 'retry-after': 'Fri, 31 Dec 1999 23:59:59 GMT' }, undefined],
    [{ 'retry-after': 'soon' }, undefined],
    [{ 'retry-after': '0' }, undefined],
    [{}, undefined],
  ])('reads %j', (headers, expected) => {
    const now = Date.parse('2000-01-01T00:00:00Z');
    expect(
      classifyFailure(http(429, 'x', headers as Record<string, string>), now).retryAfterMs,
    ).toBe(expected);
  });

  it('is not led in circles by a cause that causes itself', () => {
    const error = new Error('x');
    error.cause = error;
    expect(classifyFailure(error).code).toBe('model_unavailable');
  });
});

describe('the verdict', () => {
  const policy = POLICIES.model;
  const down = classifyFailure(http(500));

  it('waits twice as long each time, and no longer than its cap', () => {
    const long = { ...policy, firstWaitMs: 20_000 };
    expect(judge(down, { charged: 0, hasFallback: false, policy })).toMatchObject({
      afterMs: 1_000,
    });
    expect(judge(down, { charged: 1, hasFallback: false, policy })).toMatchObject({
      afterMs: 2_000,
    });
    expect(judge(down, { charged: 1, hasFallback: false, policy: long })).toMatchObject({
      afterMs: 30_000,
    });
  });

  it('lets Retry-After win, up to five minutes', () => {
    const patient = { ...down, retryAfterMs: 300_000 };
    const impatient = { ...down, retryAfterMs: 300_001 };
    expect(judge(patient, { charged: 0, hasFallback: true, policy })).toMatchObject({
      afterMs: 300_000,
    });
    expect(judge(impatient, { charged: 0, hasFallback: true, policy })).toEqual({
      next: 'fallback',
    });
    expect(judge(impatient, { charged: 0, hasFallback: false, policy })).toMatchObject({
      next: 'give-up',
      error: { code: 'model_unavailable' },
    });
  });
});

describe('what a provider bills', () => {
  it('is nothing for a request that it turned down or never had', () => {
    for (const free of [
      http(401),
      http(429),
      http(529),
      caused('ECONNREFUSED'),
      caused('UND_ERR_CONNECT_TIMEOUT'),
      new PerdureError('model_rejected', 'no key'),
    ])
      expect(isUnbilled(free)).toBe(true);
  });

  it('may be something for an answer that broke off, or that nobody waited for any longer', () => {
    for (const billed of [
      http(200, 'terminated'),
      http(504),
      http(undefined),
      caused('ECONNRESET'),
      event('overloaded_error'),
      new ModelTimeout('first token', 60_000),
      new IncompleteAnswer('cut'),
      new ContentRefused(),
    ])
      expect(isUnbilled(billed)).toBe(false);
  });
});

describe('redaction', () => {
  it('takes out known keys, and what looks like one', () => {
    const text = redact('key my-odd-key and sk-abcdef123456 and Bearer abc.def-12345', [
      'my-odd-key',
    ]);
    expect(text).toBe('key [redacted] and [redacted] and [redacted]');
  });
});
