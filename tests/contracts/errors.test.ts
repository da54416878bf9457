import { describe, expect, test } from 'vitest';
import { ERROR_CODES, ERRORS, errorInfo } from '../../contracts/errors.ts';
import { PerdureError } from '../../contracts/perdure-error.ts';
import { errorInfoSchema } from '../../contracts/tools.ts';

describe('the table of errors', () => {
  test.each(ERROR_CODES)('%s has a status, a title and advice that a person can act on', (code) => {
    const { status, title, advice } = ERRORS[code];
    expect(code).toMatch(/^[a-z]+(_[a-z]+)*$/);
    expect([null, 400, 401, 402, 403, 404, 409, 410, 413, 429, 500, 503]).toContain(status);
    expect(title.length).toBeGreaterThan(4);
    expect(advice).toMatch(/^[A-Z].{15,}[.>"]$/s);
  });

  test('calls everything retryable that a server asks to repeat later, and no wrong request', () => {
    for (const code of ERROR_CODES) {
      const { status, retryable } = ERRORS[code];
      if (status === 429 || status === 503) expect(retryable, code).toBe(true);
      if (status !== null && status < 409) expect(retryable, code).toBe(false);
    }
  });
});

describe('an error', () => {
  test('is the same in events, transcripts and answers', () => {
    const error = new PerdureError('rate_limited', 'slow down', { retryAfterMs: 2_000 });
    expect(error.toInfo()).toEqual(errorInfo('rate_limited', 'slow down'));
    expect(errorInfoSchema.parse(error.toInfo())).toEqual(error.toInfo());
  });

  test('without a message of its own says the title of its code, and keeps its cause', () => {
    const cause = new Error('below');
    const error = new PerdureError('not_found', undefined, { cause, field: 'sessionId' });
    expect(error).toMatchObject({ message: 'Not found', field: 'sessionId', cause });
    expect(new PerdureError('internal')).not.toHaveProperty('cause');
  });
});
