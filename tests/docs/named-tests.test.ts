import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { documents } from './markdown.ts';

const NAMING = /\]\(((?:\.\.\/)*tests\/[^)]+\.ts)\)((?:[:,] "[^"]+")*)/g;

interface NamedFile {
  readonly document: string;
  readonly file: string;
  readonly names: readonly string[];
}

/** Each `[file](../tests/…): "name", "name"` of a text; a file may be a suite that several tests run. */
const namedFiles = (document: string, text: string): NamedFile[] =>
  Array.from(text.matchAll(NAMING), ([, path = '', names = '']) => ({
    document,
    file: join(dirname(document), path),
    names: Array.from(names.matchAll(/"([^"]+)"/g), ([, name = '']) => name),
  }));

/** As the beginning of a string in the file: a name that only stands inside of another one is not that test. */
function has(file: string, name: string): boolean {
  const source = readFileSync(file, 'utf8');
  const written = [name, name.replaceAll("'", String.raw`\'`)];
  return ["'", '"', '`'].some((quote) =>
    written.some((each) => source.includes(`${quote}${each}${quote}`) || source.includes(`${quote}${each}: %`)),
  );
}

test('every test that the documentation names exists', () => {
  const named = documents().flatMap((document) =>
    namedFiles(document, readFileSync(document, 'utf8')),
  );
  expect(named.flatMap(({ names }) => names).length).toBeGreaterThan(40);
  const missing = named.flatMap(({ document, file, names }) =>
    names
      .filter((name) => !existsSync(file) || !has(file, name))
      .map((name) => `${document}: ${file}: ${name}`),
  );
  expect(missing).toEqual([]);
});

/** The cells of each row of the tables of a text, heads and rules left out. */
const rowsOf = (text: string): string[][] =>
  text
    .split('\n')
    .filter((line, index, lines) => line.startsWith('| ') && !lines[index + 1]?.startsWith('| -'))
    .filter((line) => !line.startsWith('| -'))
    .map((line) => line.split('|').slice(1, -1).map((cell) => cell.trim()));

test('every promise names the test that shows it', () => {
  const document = 'docs/guarantees.md';
  const rows = rowsOf(readFileSync(document, 'utf8'));
  expect(rows.length).toBeGreaterThan(20);
  const unproven = rows.filter(
    ([, shown = '']) => namedFiles(document, shown).flatMap(({ names }) => names).length === 0,
  );
  expect(unproven).toEqual([]);
});

interface Requirement {
  readonly id: string;
  readonly status: string;
  readonly lives: string;
  readonly shown: string;
}

const requirements = (): Requirement[] =>
  rowsOf(readFileSync('docs/specification.md', 'utf8'))
    .filter(([id = '']) => /^[A-F]\d+$/.test(id))
    .map(([id = '', , status = '', lives = '', shown = '']) => ({ id, status, lives, shown }));

test('the specification has a row for each requirement of the mission', () => {
  const counts = { A: 15, B: 8, C: 10, D: 11, E: 10, F: 4 };
  const wanted = Object.entries(counts).flatMap(([letter, count]) =>
    Array.from({ length: count }, (_, index) => `${letter}${index + 1}`),
  );
  expect(requirements().map(({ id }) => id)).toEqual(wanted);
});

test('what the specification calls done lives in code that exists and is shown by a test', () => {
  const begun = requirements().filter(({ status }) => status !== 'later');
  expect(begun.length).toBeGreaterThan(25);
  const homeless = begun.flatMap(({ id, lives }) =>
    Array.from(lives.matchAll(/`([^`]+)`/g), ([, path = '']) => `${id}: ${path}`).filter(
      (each) => !existsSync(each.slice(each.indexOf(' ') + 1)),
    ),
  );
  expect(homeless).toEqual([]);
  expect(begun.filter(({ lives }) => !lives.includes('`') && lives !== 'this page')).toEqual([]);
  // Coverage is no single test: a step of verify measures it.
  const done = begun.filter(({ status, shown }) => status === 'done' && shown !== '`npm run verify`');
  const unshown = done.filter(({ shown }) => namedFiles('docs/specification.md', shown).length === 0);
  expect(unshown.map(({ id }) => id)).toEqual([]);
});
