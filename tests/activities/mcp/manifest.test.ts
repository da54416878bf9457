import { describe, expect, it } from 'vitest';
import { Lines } from '../../../activities/tools/mcp/lines.ts';
import { listingOf, offeredName } from '../../../activities/tools/mcp/manifest.ts';
import type { ListedTool } from '../../../activities/tools/mcp/manifest.ts';
import { manifestChanges, matchesTool, needsApproval, ruleFor } from '../../../contracts/mcp.ts';

const tool = (more: Partial<ListedTool> = {}): ListedTool => ({
  name: 'echo',
  description: 'Says it.',
  inputSchema: { type: 'object', properties: { a: {}, b: {} } },
  annotations: { readOnlyHint: true },
  ...more,
});
const manifestOf = (...tools: ListedTool[]) => listingOf('files', tools).manifest;

describe('the manifest of an MCP server', () => {
  it('is the same whatever the order of tools and keys', () => {
    const other = tool({ inputSchema: { properties: { b: {}, a: {} }, type: 'object' } });
    const second = tool({ name: 'second' });
    expect(manifestOf(second, other)).toMatchObject({ hash: manifestOf(tool(), second).hash });
  });

  it.each([
    ['description', { description: 'Says it, and more.' }],
    ['the end of a description that the model does not read', { description: 'x'.repeat(4_001) }],
    ['input schema', { inputSchema: { type: 'object' } }],
    ['output schema', { outputSchema: { type: 'object' } }],
    ['hints', { annotations: { readOnlyHint: false } }],
    ['title', { title: 'Echo' }],
  ])('is another one with another %s', (_, more) => {
    const before = manifestOf(tool({ description: 'x'.repeat(4_000) }), tool({ name: 'same' }));
    const after = manifestOf(
      tool({ description: 'x'.repeat(4_000), ...more }),
      tool({ name: 'same' }),
    );
    const changes = manifestChanges(before, after);
    expect(changes).toEqual({ added: [], changed: ['echo'], removed: [] });
    expect(needsApproval(changes)).toBe(true);
  });

  it('needs an approval for a tool that is new, not for one that is gone', () => {
    const one = manifestOf(tool());
    const two = manifestOf(tool(), tool({ name: 'new' }));
    expect(needsApproval(manifestChanges(one, two))).toBe(true);
    expect(manifestChanges(two, one)).toEqual({ added: [], changed: [], removed: ['new'] });
    expect(needsApproval(manifestChanges(two, one))).toBe(false);
  });
});

describe('the name of a tool on an MCP server', () => {
  it('fits whatever the server calls it, and stays apart from its neighbours', () => {
    expect(offeredName('files', 'read')).toBe('files__read');
    expect(offeredName('files', 'a.b/c d')).toBe('files__a_b_c_d');
    const long = ['a', 'b'].map((last) => offeredName('files', 'x'.repeat(100) + last));
    expect(long.map(({ length }) => length)).toEqual([64, 64]);
    expect(new Set(long).size).toBe(2);
  });

  it.each([
    ['*', 'anything', true],
    ['get_*', 'get_user', true],
    ['get_*', 'forget_user', false],
    ['*_user', 'get_user', true],
    ['g*t*r', 'get_user', true],
    ['aa*aa', 'aaa', false],
    ['a.c', 'abc', false],
    ['read', 'read', true],
    ['read', 'reader', false],
    ['*a'.repeat(60), 'b'.repeat(100_000), false],
  ])('is meant by a pattern: %s, %s', (pattern, name, is) => {
    expect(matchesTool([pattern], name)).toBe(is);
  });

  it('is ruled by the most exact pattern', () => {
    const rules = { '*': 1, 'get_*': 2, get_user: 3 };
    expect(['other', 'get_all', 'get_user'].map((name) => ruleFor(rules, name))).toEqual([1, 2, 3]);
    expect(ruleFor({ 'get_*': 1 }, 'toString')).toBeUndefined();
    expect(ruleFor({}, 'toString')).toBeUndefined();
  });
});

describe('lines of an MCP server', () => {
  it('are whole however they are cut, letters of several bytes too', () => {
    const bytes = Buffer.from('één\n\nzwei\nrest');
    for (let size = 1; size <= bytes.length; size += 1) {
      const lines = new Lines(100);
      const read: string[] = [];
      for (let at = 0; at < bytes.length; at += size)
        read.push(...lines.take(bytes.subarray(at, at + size)));
      expect(read).toEqual(['één', '', 'zwei']);
    }
  });

  it('are bounded', () => {
    const lines = new Lines(10);
    expect(lines.take(Buffer.from('0123456789\n'))).toEqual(['0123456789']);
    expect(() => lines.take(Buffer.from('01234567890'))).toThrow('more than 10 bytes');
  });
});
