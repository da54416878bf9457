import { describe, expect, test } from 'vitest';
import { problemSchema } from '../../api/http/problem.ts';
import { ERROR_CODES, ERRORS } from '../../contracts/errors.ts';
import type { ErrorCode } from '../../contracts/errors.ts';
import { eventSchema } from '../../contracts/events.ts';
import { blocksOf } from './markdown.ts';

/** Nothing gives these codes before tasks exist; their pages say so. */
const RESERVED: readonly ErrorCode[] = [
  'state_corrupt',
];

const examplesOf = (code: ErrorCode): unknown[] =>
  blocksOf(`docs/errors/${code}.md`)
    .filter(({ language }) => language === 'json')
    .map(({ text }) => JSON.parse(text) as unknown);

const isEvent = (example: unknown): boolean =>
  typeof example === 'object' && example !== null && 'seq' in example;

/** The error in an event's data. */
const errorIn = (example: unknown): unknown =>
  (eventSchema.parse(example) as { data: { error?: unknown } }).data.error;

describe('the example on the page of', () => {
  test.each(ERROR_CODES.filter((code) => !RESERVED.includes(code)))(
    '%s is an answer or an event as it really looks',
    (code) => {
      const { title, status, retryable, advice } = ERRORS[code];
      const [example, ...others] = examplesOf(code);
      expect(others).toEqual([]);
      if (isEvent(example)) {
        // What the schema does not know it leaves out.
        expect(eventSchema.parse(example)).toEqual(example);
        expect(errorIn(example)).toMatchObject({ code, retryable });
        return;
      }
      expect(problemSchema.strict().parse(example)).toEqual(example);
      const type = `/docs/errors/${code}`;
      expect(example).toMatchObject({ type, title, status, code, retryable, advice });
    },
  );

  test.each(RESERVED)('%s would show what does not happen yet, so there is none', (code) => {
    expect(examplesOf(code)).toEqual([]);
  });
});
