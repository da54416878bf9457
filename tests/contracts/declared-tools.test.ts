import { describe, expect, it } from 'vitest';
import { declaredToolsSchema } from '../../contracts/declared-tools.ts';
import { patternLength } from '../../contracts/patterns.ts';

const declare = (inputSchema: object, times = 1) =>
  declaredToolsSchema.safeParse(
    Array.from({ length: times }, (_, n) => ({
      name: `tool_${n}`,
      description: 'x',
      inputSchema: { type: 'object', ...inputSchema },
    })),
  );

const problemOf = (inputSchema: object, times = 1): string => {
  const [issue] = declare(inputSchema, times).error?.issues ?? [];
  return issue ? `${issue.path.join('.')}: ${issue.message}` : 'none';
};

const text = (pattern: string) => ({ properties: { a: { type: 'string', pattern } } });

/** `levels` objects and lists in each other. */
function deep(levels: number): object {
  let schema: object = {};
  for (let level = 0; level < levels; level += 2) schema = { anyOf: [schema] };
  return schema;
}

describe('the schema of a declared tool', () => {
  it.each([
    {},
    text('^(a+)+$'),
    text('^[\\w.+-]{1,64}@[\\w-]+(\\.[\\w-]+)+$'),
    text('^\\p{L}{2,50}$'),
    { properties: { pattern: { type: 'string' }, $async: { type: 'boolean' } } },
    { properties: { patternProperties: { type: 'object' }, default: { type: 'string' } } },
    { properties: { a: { default: { pattern: '(?=x)' }, enum: [{ pattern: '(' }] } } },
    { $defs: { tree: { properties: { left: { $ref: '#/$defs/tree' } } } } },
    { $schema: 'https://json-schema.org/draft/2020-12/schema', additionalProperties: false },
    deep(40),
  ])('may be %j', (schema) => {
    expect(problemOf(schema)).toBe('none');
  });

  it.each([
    [text('(?=a)b'), /^0\.inputSchema\.properties\.a\.pattern: "\(\?=a\)b": .*RE2/],
    [text('(a)\\1'), /^0\.inputSchema\.properties\.a\.pattern: .*no back-references/],
    [text('('), /^0\.inputSchema\.properties\.a\.pattern: .*missing closing/],
    [text('a{5000}x'), /^0\.inputSchema\.properties\.a\.pattern: .*5000 characters together/],
    [{ properties: { default: text('(') } }, /properties\.default\.properties\.a\.pattern/],
    [{ patternProperties: { '(?!x)': {} } }, /^0\.inputSchema\.patternProperties\.\(\?!x\): /],
    [{ anyOf: [{ $async: true }] }, /^0\.inputSchema\.anyOf\.0\.\$async: is not a keyword/],
    [{ properties: { a: { type: 'strin' } } }, /^0\.inputSchema\.properties\.a\.type: .*2020-12/],
    [{ description: 'x'.repeat(20_000) }, /^0\.inputSchema: expected a schema of at most 16384/],
    [deep(80), /^0\.inputSchema: expected at most 64 levels/],
  ])('may not be %j', (schema, problem) => {
    expect(problemOf(schema)).toMatch(problem);
  });

  it('may be so deep that nothing recurses through it: it is refused', () => {
    expect(problemOf(deep(1_200))).toContain('expected at most 64 levels');
    expect(problemOf(deep(6_000))).toContain('expected schemas of at most');
  });

  it('may not be large sixty-four times over', () => {
    expect(problemOf({ description: 'x'.repeat(10_000) }, 20)).toBe('none');
    expect(problemOf({ description: 'x'.repeat(10_000) }, 30)).toBe(
      ': expected schemas of at most 262144 bytes together',
    );
  });
});

describe('the length of a pattern', () => {
  it.each([
    ['abc', 3],
    ['a{3}', 4],
    ['(ab){10}', 40],
    ['((a{10}){10}){10}', 1_410],
    ['\\p{L}', 53],
  ])('of %s is at least what it is compiled to', (pattern, length) => {
    expect(patternLength(pattern)).toBe(length);
  });
});
