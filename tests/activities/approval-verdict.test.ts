import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { verdictOn } from '../../activities/tools/approval-verdict.ts';
import type { ApprovalRules, JudgedCall } from '../../activities/tools/approval-verdict.ts';
import { approvalPolicySchema } from '../../contracts/approval-policy.ts';
import type { ApprovalPolicyRule } from '../../contracts/approval-policy.ts';

const call = (change: Partial<JudgedCall> = {}): JudgedCall => ({
  name: 'write_file',
  effect: 'keyed',
  mode: 'worker',
  arguments: { path: 'notes.txt', options: { force: true, 'a/b': [1, { c: null }] } },
  workspace: '/srv/projects/shop',
  ...change,
});

const rules = (
  ofAll: readonly ApprovalPolicyRule[] = [],
  change: Partial<ApprovalRules> = {},
): ApprovalRules => ({
  agent: 'coder',
  overrides: {},
  ofAgent: [],
  ofAll: [...ofAll],
  ...change,
});

const byPolicy = (rule: Omit<ApprovalPolicyRule, 'action'>, change: Partial<JudgedCall> = {}) =>
  verdictOn(call(change), {}, rules([{ ...rule, action: 'ask' }])).action === 'ask';

test('a call that nothing is said about is allowed', () => {
  expect(verdictOn(call(), {}, rules())).toEqual({ action: 'allow', rule: 'no rule' });
});

describe('a rule matches', () => {
  test.each([
    ['write_file', true],
    ['write_*', true],
    ['*_file', true],
    ['*', true],
    ['w*_*le', true],
    ['write', false],
    ['*write', false],
    ['write_file*x', false],
    ['Write_file', false],
    ['write_file_', false],
    ['*_file_file', false],
  ])('the tool by its name: %s', (tool, matches) => {
    expect(byPolicy({ tool })).toBe(matches);
  });

  test('the effect class', () => {
    expect(byPolicy({ effect: 'keyed' })).toBe(true);
    expect(byPolicy({ effect: 'never-retry' })).toBe(false);
  });

  test.each([
    ['/srv/projects/shop', true],
    ['/srv/projects/*', true],
    ['/srv/projects', false],
    ['*/shop', true],
  ])('the workspace: %s', (workspace, matches) => {
    expect(byPolicy({ workspace })).toBe(matches);
    expect(byPolicy({ workspace }, { workspace: null })).toBe(false);
  });

  test.each([
    ['/path', 'notes.txt', true],
    ['/path', 'notes', false],
    ['/options/force', true, true],
    ['/options/force', 'true', false],
    ['/options/a~1b/0', 1, true],
    ['/options/a~1b/1', { c: null }, true],
    ['/options/a~1b', [1, { c: null }], true],
    ['/options', { 'a/b': [1, { c: null }], force: true }, true],
    ['/missing', null, false],
    ['/path/length', 9, false],
    ['/constructor', null, false],
  ] as const)('an argument that equals: %s is %j', (pointer, equals, matches) => {
    const condition = { pointer, equals: equals as never };
    expect(byPolicy({ arguments: [condition] })).toBe(matches);
  });

  test.each([
    ['/path', String.raw`^notes\.txt$`, true],
    ['/path', 'otes', true],
    ['/path', '^otes', false],
    ['/options/force', '^true$', true],
    ['/options/a~1b', '"c":null', true],
    ['', '"force":true', true],
    ['/missing', '', false],
  ])('an argument in which a pattern is found: %s has %s', (pointer, pattern, matches) => {
    expect(byPolicy({ arguments: [{ pointer, matches: pattern }] })).toBe(matches);
  });

  test('only where all that it says holds', () => {
    const path = { pointer: '/path', equals: 'notes.txt' };
    expect(byPolicy({ tool: 'write_file', effect: 'keyed', arguments: [path] })).toBe(true);
    expect(byPolicy({ tool: 'write_file', effect: 'read', arguments: [path] })).toBe(false);
    const other = { pointer: '/options/force', equals: false };
    expect(byPolicy({ arguments: [path, other] })).toBe(false);
  });
});

test('the first rule that matches decides, the agent’s before those of all, and the verdict names it', () => {
  const ofAll: ApprovalPolicyRule[] = [
    { tool: 'other', action: 'deny' },
    { tool: 'write_*', action: 'ask', reason: 'it writes' },
    { action: 'deny' },
  ];
  expect(verdictOn(call(), {}, rules(ofAll))).toEqual({
    action: 'ask',
    rule: 'approvalPolicy[1]',
    reason: 'it writes',
  });
  const ofAgent: ApprovalPolicyRule[] = [{ tool: 'write_file', action: 'allow' }];
  expect(verdictOn(call(), {}, rules(ofAll, { ofAgent }))).toEqual({
    action: 'allow',
    rule: 'agents.coder.approvalPolicy[0]',
  });
});

describe("a tool's own rule", () => {
  const always = { approval: 'always' } as const;
  const never = { approval: 'never' } as const;
  const ask: ApprovalPolicyRule[] = [{ action: 'ask' }];

  test('is stronger than the policy where it says always or never, and leaves it to the policy else', () => {
    const allow: ApprovalPolicyRule[] = [{ action: 'allow' }];
    expect(verdictOn(call(), always, rules(allow))).toEqual({
      action: 'ask',
      rule: 'the tool write_file: always',
    });
    expect(verdictOn(call(), never, rules(ask)).action).toBe('allow');
    expect(verdictOn(call(), { approval: 'policy' }, rules(ask)).action).toBe('ask');
    expect(verdictOn(call(), { approval: 'policy' }, rules()).action).toBe('allow');
  });

  test('is replaced by what the agent says of the tool', () => {
    const overrides = { write_file: 'never' } as const;
    expect(verdictOn(call(), always, rules(ask, { overrides }))).toEqual({
      action: 'allow',
      rule: 'agents.coder.approvals.write_file: never',
    });
    const strict = { overrides: { write_file: 'always' } } as const;
    expect(verdictOn(call(), never, rules([], strict)).action).toBe('ask');
    // A tool may be called as objects call what they inherit.
    expect(verdictOn(call({ name: 'constructor' }), {}, rules()).action).toBe('allow');
  });

  test.each(['client', 'remote'] as const)(
    'cannot ask for less than the policy where a %s declared it, only for more',
    (mode) => {
      expect(verdictOn(call({ mode }), never, rules(ask)).action).toBe('ask');
      expect(verdictOn(call({ mode }), always, rules()).action).toBe('ask');
      const overrides = { write_file: 'never' } as const;
      expect(verdictOn(call({ mode }), {}, rules(ask, { overrides })).action).toBe('allow');
    },
  );

  test('never makes good what the policy denies', () => {
    fc.assert(
      fc.property(
        fc.constantFrom('never', 'always', 'policy', undefined),
        fc.constantFrom('never', 'always', 'policy', undefined),
        fc.constantFrom('worker', 'client', 'mcp', 'remote'),
        (approval, override, mode) => {
          const overrides: ApprovalRules['overrides'] = override ? { write_file: override } : {};
          const deny: ApprovalPolicyRule[] = [{ action: 'deny', reason: 'no' }];
          expect(verdictOn(call({ mode }), { approval }, rules(deny, { overrides }))).toEqual({
            action: 'deny',
            rule: 'approvalPolicy[0]',
            reason: 'no',
          });
        },
      ),
    );
  });
});

test('a name with a star in it matches exactly what a backtracking pattern would', () => {
  const letters = fc.string({ unit: fc.constantFrom('a', 'b', '*'), maxLength: 8 });
  const names = fc.string({ unit: fc.constantFrom('a', 'b'), maxLength: 8 });
  fc.assert(
    fc.property(letters, names, (tool, name) => {
      const pattern = new RegExp(`^${tool.replaceAll('*', '.*')}$`);
      expect(byPolicy({ tool }, { name })).toBe(pattern.test(name));
    }),
  );
});

describe('a policy is refused', () => {
  const problems = (rule: object): string[] => {
    const { error } = approvalPolicySchema.safeParse([{ action: 'ask', ...rule }]);
    return (error?.issues ?? []).map(({ path, message }) => `${path.join('.')}: ${message}`);
  };

  test.each([
    [{ action: 'maybe' }, '0.action'],
    [{ tool: 'write file' }, '0.tool: expected the name of a tool'],
    [{ tools: 'x' }, '0: Unrecognized key'],
    [{ arguments: [] }, '0.arguments'],
    [{ arguments: [{ pointer: 'path', equals: 1 }] }, '0.arguments.0.pointer: expected a JSON'],
    [{ arguments: [{ pointer: '/a~2', equals: 1 }] }, '0.arguments.0.pointer: expected a JSON'],
    [{ arguments: [{ pointer: '/a' }] }, '0.arguments.0: expected either'],
    [{ arguments: [{ pointer: '/a', equals: 1, matches: 'x' }] }, '0.arguments.0: expected either'],
    [{ arguments: [{ pointer: '/a', matches: '(?=x)x' }] }, '0.arguments.0.matches: expected a'],
    [{ arguments: [{ pointer: '/a', matches: '(' }] }, '0.arguments.0.matches: expected a'],
  ])('where it says %j', (rule, problem) => {
    const [first, ...others] = problems(rule);
    expect(first).toContain(problem);
    expect(others).toEqual([]);
  });
});
