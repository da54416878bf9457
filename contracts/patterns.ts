/** Regular expressions that strangers bring: matched in linear time by RE2's algorithm, never by the backtracking engine of JavaScript. */
import { RE2JS } from 're2js';

export interface LinearPattern {
  test(text: string): boolean;
  /** The pattern itself. */
  toString(): string;
}

/** @throws where it is no regular expression, or needs backtracking (look-around, back-references), or repeats more than 1,000 times */
export function linearPattern(pattern: string): LinearPattern {
  const compiled = RE2JS.compile(RE2JS.translateRegExp(pattern));
  return { test: (text) => compiled.test(text), toString: () => pattern };
}

/** A class of Unicode has hundreds of ranges. */
const UNICODE_CLASS_LENGTH = 50;

/** Repetitions, classes of Unicode, and any other characters. */
const PIECES = /(\)?)\{\d*,?(\d*)\}|(\\p)|[^]/giu;

/** Never less than the length of what it is compiled to: a group that is repeated counts as all that stands before its end. */
export function patternLength(pattern: string): number {
  let length = 0;
  for (const [piece, group, , unicode] of pattern.matchAll(PIECES)) {
    const times = Math.max(1, ...(piece.match(/\d+/g) ?? []).map(Number));
    if (unicode !== undefined) length += UNICODE_CLASS_LENGTH;
    else if (piece.length === 1) length += 1;
    else length = group === ')' ? (length + 1) * times : length + times;
  }
  return length;
}
