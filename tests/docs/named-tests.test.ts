import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';

const NAMING = /\]\((\.\.\/tests\/[^)]+\.test\.ts)\)((?:[:,] "[^"]+")*)/g;

/** Each `[file](../tests/…): "name", "name"` of a document. */
function namedTests(document: string): { file: string; name: string }[] {
  return Array.from(readFileSync(document, 'utf8').matchAll(NAMING)).flatMap(([, path = '', names = '']) =>
    Array.from(names.matchAll(/"([^"]+)"/g), ([, name = '']) => ({
      file: join(dirname(document), path),
      name,
    })),
  );
}

test('every test that the documentation names exists', () => {
  const named = ['docs/guarantees.md', 'docs/specification.md'].flatMap(namedTests);
  expect(named.length).toBeGreaterThan(20);
  const missing = named.filter(({ file, name }) => !readFileSync(file, 'utf8').includes(name));
  expect(missing).toEqual([]);
});

test('the specification has a row for each requirement of the mission', () => {
  const text = readFileSync('docs/specification.md', 'utf8');
  const rows = Array.from(text.matchAll(/^\| ([A-F]\d+) \|/gm), ([, id]) => id);
  const counts = { A: 15, B: 8, C: 10, D: 11, E: 10, F: 4 };
  const wanted = Object.entries(counts).flatMap(([letter, count]) =>
    Array.from({ length: count }, (_, index) => `${letter}${index + 1}`),
  );
  expect(rows).toEqual(wanted);
});
