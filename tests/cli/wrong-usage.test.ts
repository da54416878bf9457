import { expect, test } from 'vitest';
import { perdure } from './command.ts';

test.each([
  { line: 'nonsense', help: 'perdure --help lists the commands' },
  { line: '--nonsense', help: 'perdure --help lists the commands' },
  { line: 'mcp nonsense', help: 'perdure mcp --help lists the commands' },
  { line: 'mcp approve', help: 'perdure mcp approve --help shows how it is used' },
  { line: 'mcp approve a b', help: 'perdure mcp approve --help shows how it is used' },
  { line: 'sessions events ses_x --nonsense', help: 'perdure sessions events --help shows' },
  { line: 'approvals list --limit many', help: 'perdure approvals list --help shows' },
  { line: 'keys create', help: 'perdure keys create --help shows how it is used' },
  { line: 'audit --url nonsense', help: 'perdure audit --help shows how it is used' },
])('perdure $line is wrong usage and points to the help that says how', async ({ line, help }) => {
  const { exitCode, out, err } = await perdure(line.split(' '), { env: {} });
  expect([exitCode, out]).toEqual([2, '']);
  expect(err).toMatch(/^error: /);
  expect(err).toContain(`(${help}`);
  const [command = ''] = /perdure (?:[a-z]+ )*--help/.exec(err) ?? [];
  const shown = await perdure(command.split(' ').slice(1), { env: {} });
  expect(shown.out).toMatch(/^Usage: perdure/);
});
