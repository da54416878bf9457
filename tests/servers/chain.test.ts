import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { findTemporalCli } from '../../servers/temporal-cli.ts';
import { findTestServer } from '../../servers/test-server.ts';
import { atLeast, parseVersion } from '../../servers/version.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

async function fakeProgram(path: string, printed: string): Promise<string> {
  await writeFile(path, `#!/bin/sh\necho '${printed}'\n`);
  await chmod(path, 0o755);
  return path;
}

test('a CLI named by TEMPORAL_CLI_PATH is used as it is', async () => {
  await using folder = await temporaryFolder();
  const path = await fakeProgram(join(folder.path, 'temporal'), 'temporal version 1.7.0');
  expect(await findTemporalCli({ env: { TEMPORAL_CLI_PATH: path } })).toBe(path);
});

test('a CLI in the cache is found without looking further', async () => {
  const lines: string[] = [];
  const report = (line: string) => lines.push(line);
  const found = await findTemporalCli({ report });
  expect(found).toMatch(/temporal$/);
  expect(lines.join('\n')).not.toContain('go install');
});

test('when nothing works, the error names every way that was tried and what a person can do', async () => {
  await using empty = await temporaryFolder();
  // PATH must lead nowhere, or the real Go and Java of this machine would be found.
  const env = {
    PATH: empty.path,
    PERDURE_CACHE: empty.path,
    TEMPORAL_CLI_PATH: '/nowhere/temporal',
  };
  const lines: string[] = [];
  const failure = await findTestServerAndCli(env, (line) => lines.push(line));
  expect(failure).toContain('TEMPORAL_CLI_PATH=/nowhere/temporal');
  expect(failure).toContain('set TEMPORAL_ADDRESS=host:port');
  expect(failure).toContain('install Java 17 or newer and Maven');
  expect(lines.every((line) => !line.includes('\n'))).toBe(true);
});

async function findTestServerAndCli(
  env: NodeJS.ProcessEnv,
  report: (line: string) => void,
): Promise<string> {
  const finds = [findTemporalCli({ env, report }), findTestServer({ env, report })];
  const outcomes = await Promise.allSettled(finds);
  return outcomes
    .map((outcome) => (outcome.status === 'rejected' ? String(outcome.reason) : 'found'))
    .join('\n');
}

test.each([
  ['temporal version 1.5.1 (Server 1.29.1, UI 2.42.1)', [1, 5, 1]],
  ['go version go1.26.8 linux/amd64', [1, 26, 8]],
  ['openjdk version "21" 2023-09-19', [21, 0, 0]],
])('the version in %j is read', (text, version) => {
  expect(parseVersion(text)).toEqual(version);
});

test('versions are compared by their parts as numbers', () => {
  expect(atLeast([1, 10, 0], [1, 5])).toBe(true);
  expect(atLeast([1, 4, 9], [1, 5])).toBe(false);
  expect(atLeast([17, 0, 0], [17])).toBe(true);
});
