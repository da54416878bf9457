import { expect, test } from 'vitest';
import { takenBy, waitingFor } from '../../../cli/chat/runner-wait.ts';
import type { KnownRunner } from '../../../client/index.ts';
import { newId } from '../../../contracts/ids.ts';

const runner = (name: string, change: Partial<KnownRunner> = {}): KnownRunner => ({
  ...{ runnerId: newId('run'), name, user: 'ann', shared: false, servesYou: true, online: false },
  ...{ labels: {}, workdir: `/home/ann/${name}`, tools: [], version: '1' },
  ...{ registeredAt: '2026-11-30T00:00:00.000Z', lastSeenAt: '2026-11-30T00:00:00.000Z' },
  ...change,
});
const LAPTOP = { name: 'laptop' };
const told = (runners: readonly KnownRunner[], { late = false, selector = {} } = {}) =>
  waitingFor({ selector: { ...LAPTOP, ...selector }, runners, late })?.text;

test('names the runner that is away, and the command that starts it as it was', () => {
  const labels = { os: 'linux', gpu: '' };
  expect(told([runner('other', { online: true }), runner('laptop', { labels })])).toBe(
    '(waiting for the runner laptop, which is away. Start it on its machine with: npx perdure runner --name laptop --workdir /home/ann/laptop --label os=linux --label gpu=)',
  );
});

test('of several that fit names all, where none of them is there', () => {
  const labels = { os: 'linux' };
  const selector = { name: undefined, labels };
  const both = [runner('one', { labels }), runner('two', { labels })];
  expect(told(both, { selector })).toContain('runner one or two, which are away. Start one on its');
  expect(told([...both, runner('three', { labels, online: true })], { selector })).toBeUndefined();
});

test('says so where the runner was forgotten, or serves somebody else', () => {
  const start = '--name laptop --workdir FOLDER)';
  expect(told([])).toBe(
    `(waiting for the runner laptop, and there is none any more. Start one with: npx perdure runner ${start}`,
  );
  expect(told([runner('laptop', { servesYou: false, online: true })])).toContain('none any more');
  const selector = { name: undefined, labels: { os: 'linux' } };
  expect(told([], { selector })).toContain('for a runner that is os=linux, and there is none');
});

test('of one that is there says nothing at first, and later what may keep it from the call', () => {
  const there = [runner('laptop', { online: true })];
  expect(told(there)).toBeUndefined();
  expect(told(there, { late: true })).toBe(
    '(the runner laptop has not taken the call yet: it may ask in its own terminal, or be gone)',
  );
});

test('a folder of somebody else gets into a command only where a shell reads nothing into it', () => {
  for (const workdir of ['/home/$(rm -rf ~)', '/a b', '/a;b', '--label', '/a\nb', 'C:\\x'])
    expect(told([runner('laptop', { workdir })]), workdir).toContain('--workdir FOLDER)');
});

test('names who took the call, where that is known', () => {
  const laptop = runner('laptop');
  expect(takenBy('read_file', laptop.runnerId, [laptop])).toBe(
    '(laptop has taken the call and runs read_file)',
  );
  expect(takenBy('x', newId('run'), [laptop])).toContain('(a runner has taken the call');
});
