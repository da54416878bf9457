/** What a write changes, as people and models read it: a unified diff. */
import { createTwoFilesPatch } from 'diff';

/** Comparing two texts that have nothing in common takes time in the square of their lines, from everybody in this worker. */
const MAX_DIFFERENCES = 2_000;
const MAX_MS = 250;

/** Of the diff; a person who wants more opens the file. */
const MAX_CHARACTERS = 24_000;

const lines = (text: string): number => text.split('\n').length - (text.endsWith('\n') ? 1 : 0);

const counted = (text: string): string => {
  const count = lines(text);
  return `${count} ${count === 1 ? 'line' : 'lines'}`;
};

export interface Change {
  /** Relative to the workspace. */
  readonly shown: string;
  /** Undefined for a new file; null for one that is no text. */
  readonly before: string | undefined | null;
  readonly after: string;
}

/** @returns an empty text where nothing changes */
export function changes({ shown, before, after }: Change): string {
  if (before === after) return '';
  if (before === null) return `${shown}: replaces a file that is no text by ${counted(after)}`;
  const diff = createTwoFilesPatch(
    before === undefined ? '/dev/null' : `a/${shown}`,
    `b/${shown}`,
    before ?? '',
    after,
    undefined,
    undefined,
    { context: 3, maxEditLength: MAX_DIFFERENCES, timeout: MAX_MS },
  );
  if (diff === undefined)
    return `${shown}: replaces ${counted(before ?? '')} by ${counted(after)} that have little in common`;
  const text = diff.replace(/^=+\n/, '');
  return text.length <= MAX_CHARACTERS
    ? text
    : `${text.slice(0, MAX_CHARACTERS)}\n[… ${text.length - MAX_CHARACTERS} more characters of the diff]`;
}
