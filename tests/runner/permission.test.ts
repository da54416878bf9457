import { expect, test } from 'vitest';
import type { Effect } from '../../contracts/tools.ts';
import { permissionFor } from '../../runner/permission.ts';

const rules = (change: Partial<Parameters<typeof permissionFor>[1]> = {}) => ({
  ...{ allow: [], deny: [], askAlways: false },
  ...change,
});
const of = (name: string, effect: Effect, change: Parameters<typeof rules>[0] = {}) =>
  permissionFor({ name, effect }, rules(change));

test('what only reads runs, everything else is asked for, unless a name says otherwise', () => {
  expect(of('read_file', 'read')).toBe('run');
  expect(of('write_file', 'keyed')).toBe('ask');
  expect(of('run_command', 'never-retry')).toBe('ask');
  expect(of('read_file', 'read', { askAlways: true })).toBe('ask');
  expect(of('run_command', 'never-retry', { allow: ['run_command'], askAlways: true })).toBe('run');
  expect(of('read_file', 'read', { deny: ['read_file'] })).toBe('deny');
  expect(of('read_file', 'read', { allow: ['*'], deny: ['read_*'] })).toBe('deny');
});

test.each([
  ['edit_*', 'edit_file', true],
  ['*_file', 'edit_file', true],
  ['*', 'anything', true],
  ['e*t_f*e', 'edit_file', true],
  ['edit_file', 'edit_files', false],
  ['edit', 'edit_file', false],
  ['ab*ba', 'aba', false],
  ['*x*', 'edit_file', false],
  ['.*', 'edit_file', false],
])('the name %s and the tool %s: %s', (pattern, name, fits) => {
  expect(of(name, 'never-retry', { allow: [pattern] })).toBe(fits ? 'run' : 'ask');
});
