// What a browser would load of the client: followed through the imports as they are written.
import { readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
/** Imports and re-exports that remain when the types are stripped. */
const IMPORT = /^(?:import|export)\s+(?!type\b)(?:[^;'"]*?\sfrom\s+)?['"]([^'"]+)['"]/gm;

function loaded(file: string, found = new Set<string>()): Set<string> {
  if (found.has(file)) return found;
  found.add(file);
  for (const [, target = ''] of readFileSync(file, 'utf8').matchAll(IMPORT)) {
    if (target.startsWith('.')) loaded(join(dirname(file), target), found);
    else found.add(target);
  }
  return found;
}

test('the client loads nothing of Node, no zod, and no room but contracts', () => {
  const all = [...loaded(join(ROOT, 'client/index.ts'))].map((file) =>
    file.startsWith(ROOT) ? relative(ROOT, file) : file,
  );
  const packages = all.filter((name) => !name.endsWith('.ts'));
  expect(packages.toSorted()).toEqual(['@trpc/client', 'typeid-js', 'uuid']);
  const rooms = new Set(
    all.filter((name) => name.endsWith('.ts')).map((name) => name.split('/')[0]),
  );
  expect(rooms).toEqual(new Set(['client', 'contracts']));
  expect(all).toContain('contracts/projections/turns.ts');
});
