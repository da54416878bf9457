/** Programs in perdure.yaml: what is known without an entry, and what does not fit together (D4). */
import { expect, test } from 'vitest';
import { load, problemsOf } from './support.ts';

test('claude, codex and gemini are known without an entry, and an entry changes what it says', async () => {
  const { cliProviders } = await load({
    yaml: 'cliProviders: { claude: { preset: claude, sandbox: none, timeoutMs: 60000 } }',
  });
  expect(Object.keys(cliProviders)).toEqual(['claude', 'codex', 'gemini']);
  expect(cliProviders['claude']).toMatchObject({
    ...{ command: 'claude', process: 'session', sandbox: 'none', network: true },
    timeoutMs: 60_000,
  });
  expect(cliProviders['codex']).toMatchObject({ process: 'command', sandbox: 'bubblewrap' });
});

test('a program that says too little, or what does not fit, is a problem with its path', async () => {
  const problems = await problemsOf({
    yaml: [
      'cliProviders:',
      '  empty: {}',
      '  silent: { command: bash, done: { by: marker } }',
      '  lines: { command: bash, input: { template: "{message}" }, done: { by: line, when: { a: b } } }',
      '  once: { command: bash, args: ["{message}"], done: { by: exit } }',
      '  worse: { command: bash, done: { by: moon }, timeoutMs: 5, env: [sk-ant-123] }',
    ].join('\n'),
  });
  const said = problems.map(({ path, message }) => `${path}: ${message}`);
  for (const expected of [
    /^cliProviders\.empty\.command: is missing/,
    /^cliProviders\.empty\.done: is missing/,
    /^cliProviders\.silent\.input\.template: has no \{marker\}/,
    /^cliProviders\.silent\.input: is missing/,
    /^cliProviders\.lines\.done\.by: is "line"; that needs output\.format json-lines/,
    /^cliProviders\.once\.args: have \{message\}; that needs process command/,
    /^cliProviders\.once\.done\.by: is "exit"; that needs process command/,
    /^cliProviders\.worse\.timeoutMs: is 5/,
    /^cliProviders\.worse\.env\[0\]: /,
    /^cliProviders\.worse\.done/,
  ])
    expect(said).toContainEqual(expect.stringMatching(expected));
  expect(JSON.stringify(problems)).not.toContain('undefined');
});

test('a program may be given 30 minutes for a message, and not a millisecond more', async () => {
  const yaml = (timeoutMs: number) =>
    `cliProviders: { slow: { preset: claude, timeoutMs: ${timeoutMs} } }`;
  expect((await load({ yaml: yaml(1_800_000) })).cliProviders['slow']?.timeoutMs).toBe(1_800_000);
  expect(await problemsOf({ yaml: yaml(1_800_001) })).toMatchObject([
    {
      path: 'cliProviders.slow.timeoutMs',
      message: 'is 1800001; expected at most 1800000',
    },
  ]);
});

test('what an agent says that its program has no use for is refused, and so is a program that does not exist', async () => {
  const problems = await problemsOf({
    yaml: [
      'agents:',
      '  one: { engine: { cli: codx } }',
      '  two: { engine: { cli: codex }, instructions: Be brief., model: demo }',
      '  three: { engine: { cli: claude }, instructions: Be brief. }',
    ].join('\n'),
  });
  expect(problems.map(({ path, message }) => `${path}: ${message}`)).toEqual([
    expect.stringMatching(/^agents\.one\.engine\.cli: is "codx".*did you mean "codex"/),
    expect.stringMatching(/^agents\.two\.model: has no effect with engine codex/),
    expect.stringMatching(/^agents\.two\.instructions: has no effect with engine codex/),
  ]);
});
