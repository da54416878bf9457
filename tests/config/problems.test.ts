import { describe, expect, it } from 'vitest';
import { load, problemsOf } from './support.ts';

describe('wrong settings (A6)', () => {
  it('are all listed at once, each with its path, its line and what is allowed', async () => {
    const problems = await problemsOf({
      yaml: [
        'api:',
        '  port: 99999',
        'log:',
        '  level: loud',
        'worker:',
        '  toolSlots: many',
        'limits: { stepsPerTurn: 0 }',
        'agents: { writer: { tools: [list_file] } }',
      ].join('\n'),
    });
    expect(problems).toEqual([
      { path: 'api.port', source: 'perdure.yaml:2', message: 'is 99999; expected at most 65535' },
      {
        path: 'worker.toolSlots',
        source: 'perdure.yaml:6',
        message: 'is "many"; expected a number (Tools at once in one worker)',
      },
      {
        path: 'limits.stepsPerTurn',
        source: 'perdure.yaml:7',
        message: 'is 0; expected at least 1',
      },
      {
        path: 'log.level',
        source: 'perdure.yaml:4',
        message: 'is "loud"; expected one of trace, debug, info, warn, error, silent',
      },
      {
        path: 'agents.writer.tools[0]',
        source: 'perdure.yaml:8',
        message: expect.stringMatching(
          /^is "list_file", but there is no such tool; did you mean "list_files"; known: /,
        ) as string,
      },
    ]);
  });

  it('name the known key that is nearest to an unknown one', async () => {
    const [top, inner] = await problemsOf({ yaml: 'modells: {}\napi: { prot: 1 }' });
    expect(inner?.path).toBe('modells');
    expect(inner?.message).toMatch(/is not a setting; did you mean "models"; known here: api, /);
    expect(top).toMatchObject({ path: 'api.prot', source: 'perdure.yaml:2' });
    expect(top?.message).toMatch(/did you mean "port"/);
  });

  it('name the environment variable that they come from', async () => {
    expect(await problemsOf({ env: { PERDURE_API_PORT: 'http' } })).toEqual([
      {
        path: 'api.port',
        source: 'PERDURE_API_PORT',
        message: 'is "http"; expected a number (Port of the API)',
      },
    ]);
  });

  it('include a misspelt variable', async () => {
    expect(await problemsOf({ env: { PERDURE_API_PROT: '1' } })).toEqual([
      { path: 'PERDURE_API_PROT', message: 'is not known; did you mean PERDURE_API_PORT?' },
    ]);
  });

  it('include names that lead nowhere: agent → model → provider', async () => {
    const problems = await problemsOf({
      yaml: [
        'models: { fast: { provider: opnai, model: gpt } }',
        'providers: { openai: { kind: openai } }',
        'agents: { writer: { model: fasst, fallbackModels: [nothing] } }',
        'defaultModel: quick',
        'defaultAgent: reader',
      ].join('\n'),
    });
    expect(problems.map(({ path, message }) => `${path} ${message}`)).toEqual([
      'models.fast.provider is "opnai", but there is no such provider; did you mean "openai"; known: openai, demo',
      'agents.writer.model is "fasst", but there is no such model; did you mean "fast"; known: fast, demo',
      'agents.writer.fallbackModels[0] is "nothing", but there is no such model; known: fast, demo',
      'defaultModel is "quick", but there is no such model; known: fast, demo',
      'defaultAgent is "reader", but there is no such agent; known: writer',
    ]);
  });

  it('include figures that do not fit together', async () => {
    const problems = await problemsOf({
      yaml: [
        'timeouts: { sessionWarningMs: 300000, heartbeatThrottleMs: 12000, commandMs: 9000000 }',
        'models: { big: { provider: demo, model: demo, contextTokens: 1000, maxOutputTokens: 1000 } }',
        'api: { maxConnections: 10, port: 8233 }',
      ].join('\n'),
    });
    expect(problems.map(({ path }) => path)).toEqual([
      'models.big.maxOutputTokens',
      'timeouts.sessionWarningMs',
      'timeouts.heartbeatThrottleMs',
      'timeouts.commandMs',
      'api.maxConnectionsPerUser',
      'temporal.uiPort',
    ]);
    expect(problems[1]?.message).toBe(
      'is 300000; expected less than sessionIdleMs (300000): the warning comes before the end',
    );
  });

  it('include references of the sound part when another part is wrong', async () => {
    const problems = await problemsOf({ yaml: 'api: { port: x }\ndefaultModel: quick' });
    expect(problems.map(({ path }) => path)).toEqual(['api.port', 'defaultModel']);
  });

  it('include every reference where an entry is wrong in a setting that it cannot do without', async () => {
    const yaml = (model: string): string =>
      [
        `models: { m: { provider: demo, model: ${model} }, n: { provider: nobody, model: x } }`,
        'agents: { a: { model: m, fallbackModels: [mm, nothing] } }',
        'defaultModel: quick',
      ].join('\n');
    const alone = (await problemsOf({ yaml: yaml('fine') })).map(({ path }) => path);
    expect(alone).toEqual([
      'models.n.provider',
      'agents.a.fallbackModels[0]',
      'agents.a.fallbackModels[1]',
      'defaultModel',
    ]);
    const both = (await problemsOf({ yaml: yaml('5') })).map(({ path }) => path);
    expect(both).toEqual(['models.m.model', ...alone]);
  });

  it('include references where an element of a list is wrong', async () => {
    const yaml = 'agents: { a: { tools: [list files], model: nobody } }\ndefaultAgent: b';
    const problems = await problemsOf({ yaml });
    expect(problems.map(({ path }) => path)).toEqual([
      'agents.a.tools[0]',
      'agents.a.model',
      'defaultAgent',
    ]);
  });

  it('include an alias of what it is a part of, wherever it is', async () => {
    expect(await problemsOf({ yaml: 'api: {}\nproviders: &a [*a]' })).toMatchObject([
      { path: 'providers[0]', source: 'perdure.yaml:2' },
    ]);
    const yaml =
      'agents: { a: { clientTools: [{ name: t, inputSchema: &s { type: object, x: *s } }] } }';
    const [problem] = await problemsOf({ yaml });
    expect(problem?.path).toBe('agents.a.clientTools[0].inputSchema.x');
    expect(problem?.message).toMatch(/^is an alias of something that it is a part of/);
  });

  it.each([
    'providers: *nobody',
    Array.from({ length: 7 }, (_, n) => `a${n + 1}: &a${n + 1} [${`*a${n}, `.repeat(9)}x]`)
      .toSpliced(0, 0, 'a0: &a0 [x]')
      .join('\n'),
  ])('include an alias of nothing, and aliases without end: %#', async (yaml) => {
    const [problem] = await problemsOf({ yaml });
    expect(problem?.message).toMatch(/^is not YAML: .*alias/i);
  });

  it('include an openai-compatible provider without an address', async () => {
    const problems = await problemsOf({ yaml: 'providers: { mine: { kind: openai-compatible } }' });
    expect(problems.map(({ path }) => path)).toEqual(['providers.mine.baseUrl']);
  });

  it('include two tools of one name', async () => {
    const tool = (name: string) =>
      `{ name: ${name}, description: d, inputSchema: { type: object } }`;
    const problems = await problemsOf({
      yaml: `agents: { a: { clientTools: [${tool('ask')}, ${tool('ask')}, ${tool('read_file')}] } }`,
    });
    expect(problems.map(({ path }) => path)).toEqual([
      'agents.a.clientTools[1].name',
      'agents.a.clientTools[2].name',
    ]);
  });

  it('include variables that no command may see', async () => {
    const problems = await problemsOf({
      yaml: [
        'providers: { paid: { kind: openai, apiKeyEnv: MY_KEY } }',
        'sandbox: { environment: [LANG, MY_KEY, OPENAI_API_KEY, PERDURE_DATABASE_URL] }',
      ].join('\n'),
    });
    expect(problems.map(({ path }) => path)).toEqual(
      [1, 2, 3].map((n) => `sandbox.environment[${n}]`),
    );
  });

  it('include hosts that are none, and an empty list of ports', async () => {
    const yaml = 'fetch: { allowHosts: ["https://example.com"], ports: [] }';
    const problems = await problemsOf({ yaml });
    expect(problems.map(({ path }) => path)).toEqual(['fetch.allowHosts[0]', 'fetch.ports']);
  });

  it('do not repeat a key that was written where its variable belongs', async () => {
    const [problem] = await problemsOf({
      yaml: 'providers: { mine: { kind: openai, apiKeyEnv: sk-live-12345678 } }',
    });
    expect(problem?.path).toBe('providers.mine.apiKeyEnv');
    expect(problem?.message).toMatch(/name of an environment variable/);
    expect(JSON.stringify(problem)).not.toContain('sk-live');
  });

  it('include a tool to be approved that is nearly one of the agent’s', async () => {
    const approvals = '{ write_fil: always, lists_of_a_runner: always, read_file: never }';
    const yaml = `agents: { a: { tools: [write_file, read_file], approvals: ${approvals} } }`;
    expect(await problemsOf({ yaml })).toMatchObject([
      {
        path: 'agents.a.approvals.write_fil',
        message: 'is no tool of this agent; did you mean "write_file"?',
      },
    ]);
  });

  it('include text that is not YAML, with its line', async () => {
    const [problem] = await problemsOf({ yaml: 'api:\n  port: [1' });
    expect(problem?.message).toMatch(/^is not YAML: /);
    expect(problem?.source).toMatch(/^perdure\.yaml:\d$/);
  });

  it('include a file whose path was given and that is not there', async () => {
    const problems = await problemsOf({ env: { PERDURE_CONFIG: 'elsewhere.yaml' } });
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatchObject({ source: 'elsewhere.yaml' });
    expect(problems[0]?.message).toMatch(/cannot be read/);
  });

  it.each(['[]', '7', 'hello', 'api: 3', 'api: null', 'providers: [a]', '__proto__: { a: 1 }'])(
    'include a file of the wrong shape: %s',
    async (yaml) => {
      expect(await problemsOf({ yaml })).not.toEqual([]);
    },
  );

  it('are none in an empty file or one of comments', async () => {
    await expect(load({ yaml: '' })).resolves.toMatchObject({ api: { port: 7400 } });
    await expect(load({ yaml: '# later\n' })).resolves.toMatchObject({ api: { port: 7400 } });
  });
});
