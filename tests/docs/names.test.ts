/** Names that the documentation writes are names that the code knows. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { generateOpenApi } from '../../api/openapi/openapi.ts';
import { EXIT } from '../../cli/exit-codes.ts';
import { ENVIRONMENT, OTHER_VARIABLES } from '../../config/environment.ts';
import { settingsSchema } from '../../config/schema.ts';
import { keysOf, schemaAt } from '../../config/walk.ts';
import { EVENT_TYPES } from '../../contracts/events.ts';
import { documents } from './markdown.ts';

/** What a pattern finds in all documents, each once, with the document that says it. */
function mentions(pattern: RegExp): { name: string; file: string }[] {
  const found = new Map<string, string>();
  for (const file of documents())
    for (const [, name = ''] of readFileSync(file, 'utf8').matchAll(pattern))
      if (!found.has(name)) found.set(name, file);
  return Array.from(found, ([name, file]) => ({ name, file }));
}

describe('the documentation names only', () => {
  test('environment variables that exist', () => {
    const known = [...ENVIRONMENT.map(({ name }) => name), ...Object.keys(OTHER_VARIABLES)];
    const named = mentions(/\b((?:PERDURE|TEMPORAL)_[A-Z0-9_]+)\b/g);
    expect(named.length).toBeGreaterThan(15);
    expect(named.filter(({ name }) => !known.includes(name))).toEqual([]);
  });

  test('settings that exist', () => {
    const groups = keysOf(settingsSchema).join('|');
    const named = mentions(new RegExp(`\`((?:${groups})\\.[a-zA-Z.]+)[:\`]`, 'g')).filter(
      // Files and procedures that are called like a group of settings.
      ({ name }) => !/\.(?:ts|md|db|NAME)\b/.test(name),
    );
    expect(named.length).toBeGreaterThan(30);
    expect(named.filter(({ name }) => !schemaAt(settingsSchema, name.split('.')))).toEqual([]);
  });

  test('endpoints that exist', () => {
    const known = [
      ...Object.keys(generateOpenApi().paths ?? {}).map(shape),
      ...['/api/docs', '/api/docs/', '/api/openapi.json', '/api/asyncapi.json'],
    ];
    const named = mentions(/(?<![\w.(])(\/api\/[\w:{}$/.-]*[\w}])/g).map(({ name, file }) => ({
      name: shape(name),
      file,
    }));
    expect(named.length).toBeGreaterThan(15);
    expect(named.filter(({ name }) => !known.includes(name))).toEqual([]);
  });

  test('commands that exist', () => {
    const { stdout } = spawnSync('node', ['cli/main.ts', '--help'], { encoding: 'utf8' });
    const known = Array.from(stdout.matchAll(/^ {2}([a-z]+) /gm), ([, name]) => name);
    const named = mentions(/(?:npx |`)perdure ([a-z-]+)/g);
    expect(named.length).toBeGreaterThan(5);
    // Later releases' commands stand in the specification only, under what is later.
    expect(named.filter(({ name }) => !known.includes(name))).toEqual([]);
  });
});

/** A path with its parameters forgotten: `:id`, `{sessionId}`, `$id` and example ids are the same. */
function shape(path: string): string {
  return path.replaceAll(/\/(?::\w+|\{\w+\}|\$\w+|[a-z]{2,5}_[a-z0-9]+|nonsense)(?=\/|$)/g, '/*');
}

describe('the documentation leaves out no', () => {
  test('endpoint', () => {
    const page = readFileSync('docs/api.md', 'utf8');
    const lastWords = Object.keys(generateOpenApi().paths ?? {}).map((path) =>
      path.replaceAll(/\/\{\w+\}/g, '').split('/').at(-1),
    );
    expect(lastWords.filter((word) => !page.includes(`/${word}`))).toEqual([]);
  });

  test('event type', () => {
    const table = readFileSync('docs/api.md', 'utf8');
    expect(EVENT_TYPES.filter((type) => !table.includes(`\`${type}\``))).toEqual([]);
  });

  test('exit code', () => {
    const page = readFileSync('docs/configuration.md', 'utf8').split('## Exit codes')[1];
    const listed = Array.from(page?.matchAll(/^\| (\d+) /gm) ?? [], ([, code]) => Number(code));
    expect(listed).toEqual(Object.values(EXIT));
  });
});
