import { existsSync, readdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { ERROR_CODES } from '../../contracts/errors.ts';
import { anchorsOf, documents, linksOf } from './markdown.ts';

test('every relative link of the documentation leads to a file and a heading that exist', () => {
  const broken = documents().flatMap((file) =>
    linksOf(file)
      .filter((target) => !/^[a-z]+:/.test(target))
      .filter((target) => !leadsSomewhere(file, target))
      .map((target) => `${file} → ${target}`),
  );
  expect(broken).toEqual([]);
});

function leadsSomewhere(file: string, target: string): boolean {
  const [path = '', anchor] = target.split('#');
  const found = path === '' ? file : join(dirname(file), path);
  if (!existsSync(found)) return false;
  return !anchor || !found.endsWith('.md') || anchorsOf(found).includes(anchor);
}

test('every document can be reached by links from the README', () => {
  const reached = new Set<string>();
  const visit = (file: string) => {
    if (reached.has(file) || !existsSync(file)) return;
    reached.add(file);
    // A link to a folder shows the reader everything in it.
    if (statSync(file).isDirectory()) for (const name of readdirSync(file)) visit(join(file, name));
    if (!file.endsWith('.md')) return;
    for (const target of linksOf(file))
      if (!/^[a-z]+:/.test(target)) visit(join(dirname(file), target.split('#')[0] ?? ''));
  };
  visit('README.md');
  expect(documents().filter((file) => !reached.has(file))).toEqual([]);
});

test('every error code has a page and every page is of a code', () => {
  const pages = documents()
    .filter((file) => file.startsWith('docs/errors/') && !file.endsWith('README.md'))
    .map((file) => file.slice('docs/errors/'.length, -'.md'.length));
  expect(pages.sort()).toEqual([...ERROR_CODES].sort());
});
