import { describe, expect, it } from 'vitest';
import { ArgumentChecker } from '../../activities/tools/arguments.ts';
import type { ToolDefinition } from '../../activities/tools/definition.ts';

const tool = (inputSchema: object): ToolDefinition => ({
  name: 'ask',
  description: 'x',
  inputSchema: { type: 'object', ...inputSchema },
  effect: 'read',
  mode: 'client',
  timeoutMs: 1_000,
});

const problem = (schema: object, input: unknown): string | undefined =>
  new ArgumentChecker().problem(tool(schema), input);

/** Work that doubles with each of them, whatever the arguments are. */
const doubling = {
  allOf: [{ $ref: '#/$defs/d0' }],
  $defs: Object.fromEntries(
    Array.from({ length: 60 }, (_, n) => [
      `d${n}`,
      n === 59 ? {} : { allOf: [{ $ref: `#/$defs/d${n + 1}` }, { $ref: `#/$defs/d${n + 1}` }] },
    ]),
  ),
};

describe('the arguments of a call', () => {
  it('are checked against the schema, and every problem is named', () => {
    const schema = {
      properties: { a: { type: 'integer' }, b: { pattern: '^x+$' } },
      patternProperties: { '^n_': { type: 'number' } },
      required: ['c'],
    };
    expect(problem(schema, { a: 1, b: 'xx', c: true, n_1: 1 })).toBeUndefined();
    expect(problem(schema, { a: 'one', b: 'y', n_1: 'x' })).toBe(
      'arguments must have required property \'c\'; /a must be integer; /b must match pattern "^x+$"; /n_1 must be number',
    );
    expect(problem(schema, [])).toBe('the arguments must be a JSON object');
  });

  it('are matched in linear time, whatever the pattern', () => {
    const evil = `${'a'.repeat(40)}!`;
    const patterns = { properties: { a: { pattern: '^(a+)+$' } } };
    expect(problem(patterns, { a: evil })).toContain('/a must match pattern');
    const names = { patternProperties: { '^(a+)+$': false } };
    expect(problem(names, { [evil]: 1 })).toBeUndefined();
  });

  it('are not checked for ever: a schema that takes too long is given up, at its next call at once', () => {
    const checker = new ArgumentChecker();
    expect(checker.problem(tool(doubling), {})).toContain('takes too long to check');
    expect(checker.problem(tool(doubling), {})).toContain('takes too long to check');
    expect(checker.problem(tool({}), {})).toBeUndefined();
  });

  it('are refused where the schema refers to itself without end, or cannot be compiled', () => {
    const endless = { allOf: [{ $ref: '#' }] };
    expect(problem(endless, {})).toContain("the tool's own schema is not valid");
    expect(problem({ allOf: [{ $ref: '#/nowhere' }] }, {})).toContain("can't resolve reference");
  });

  it('are checked at once, even by a schema that says it answers later', () => {
    expect(problem({ $async: true, required: ['a'] }, {})).toContain("required property 'a'");
  });
});
