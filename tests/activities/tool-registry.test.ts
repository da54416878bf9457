import { describe, expect, it } from 'vitest';
import { builtInTools } from '../../activities/tools/built-in.ts';
import { namesTool, unknownTools } from '../../activities/tools/named-tools.ts';
import type { ToolSource } from '../../activities/tools/source.ts';
import type { WorkerTool } from '../../activities/tools/worker-tool.ts';
import { TIME_LIMITS } from '../../contracts/limits.ts';
import { BUILT_IN_TOOLS, agentSchema } from '../../contracts/settings.ts';
import type { ToolDefinition } from '../../activities/tools/definition.ts';
import { scriptedModel } from '../../testing/scripted-model.ts';
import { openStage } from './stage.ts';
import type { StageOptions } from './stage.ts';

const workerTool = (name: string, more: Partial<WorkerTool> = {}): WorkerTool => ({
  name,
  description: `${name} in the worker`,
  inputSchema: { type: 'object' },
  effect: 'read',
  execute: () => Promise.resolve(`${name} ran`),
  ...more,
});

const remote = (name: string): ToolDefinition => ({
  name,
  description: `${name} elsewhere`,
  inputSchema: { type: 'object' },
  effect: 'read',
  mode: 'mcp',
  timeoutMs: 1_000,
});

/** The names that the model is told of. */
async function offeredBy(options: StageOptions): Promise<readonly string[] | undefined> {
  const model = scriptedModel([{ text: 'done' }]);
  await using stage = await openStage({ resolver: model.resolver, ...options });
  await stage.callModel(stage.message('go'));
  return model.requests[0]?.tools;
}

describe('an agent is offered', () => {
  it('the tools that it names, whatever source they come from, sorted by name', async () => {
    const all = ['files__b', 'files__a', 'mail__send'].map(remote);
    const server: ToolSource = { offered: ({ names }) => all.filter(({ name }) => names(name)) };
    const offered = await offeredBy({
      agent: { tools: ['weather', 'files__*'] },
      registry: { tools: [workerTool('weather'), workerTool('unnamed')], sources: [server] },
    });
    expect(offered).toEqual(['files__a', 'files__b', 'weather']);
  });

  it("a session's tool instead of the worker's of the same name", async () => {
    const model = scriptedModel([{ calls: [{ name: 'weather', input: {} }] }]);
    await using stage = await openStage({
      resolver: model.resolver,
      agent: { tools: ['weather'] },
      registry: { tools: [workerTool('weather')] },
      tools: [
        { name: 'weather', description: 'x', inputSchema: { type: 'object' }, effect: 'read' },
      ],
    });
    const result = await stage.callModel(stage.message('go'));
    expect(result).toMatchObject({ calls: [{ name: 'weather', mode: 'client' }] });
  });

  it('what a source has at that moment', async () => {
    let has = ['one'];
    const model = scriptedModel([{ text: 'a' }, { text: 'b' }]);
    const changing: ToolSource = { offered: () => has.map(remote) };
    await using stage = await openStage({
      resolver: model.resolver,
      agent: { tools: [] },
      registry: { sources: [changing] },
    });
    await stage.callModel(stage.message('go'));
    has = ['two'];
    await stage.callModel(stage.message('go'));
    expect(model.requests.map(({ tools }) => tools)).toEqual([['one'], ['two']]);
  });
});

it('a tool of the worker is run by its own function', async () => {
  const model = scriptedModel([{ calls: [{ name: 'weather', input: {} }] }]);
  await using stage = await openStage({
    resolver: model.resolver,
    agent: { tools: ['weather'] },
    registry: { tools: [workerTool('weather')] },
  });
  const input = stage.message('go');
  const result = await stage.callModel(input);
  if (result.outcome !== 'tool_calls') throw new Error(result.outcome);
  expect(await stage.executeTool(input, result.calls[0]!)).toBe('completed');
  expect((await stage.eventsOf('tool.settled'))[0]?.data).toMatchObject({ result: 'weather ran' });
});

describe('names of tools in perdure.yaml', () => {
  const agents = { a: agentSchema.parse({ tools: ['weather', 'wether', 'files__*', 'mail__*'] }) };
  const sources: ToolSource[] = [
    { known: ['weather', 'files__read'], offered: () => [] },
    { expects: (name) => name.startsWith('calendar__'), offered: () => [] },
  ];

  it('that lead nowhere are told with their place', () => {
    expect(unknownTools({ agents }, sources)).toEqual([
      { path: ['agents', 'a', 'tools', 1], name: 'wether' },
      { path: ['agents', 'a', 'tools', 3], name: 'mail__*' },
    ]);
  });

  it('may be of a server that is away', () => {
    const expected = { b: agentSchema.parse({ tools: ['calendar__add', 'calendar__*'] }) };
    expect(unknownTools({ agents: expected }, sources)).toEqual([]);
  });

  it('stand for one tool, or for all of a server', () => {
    expect(namesTool(['files__*'], 'files__read')).toBe(true);
    expect(namesTool(['files__*'], 'filesystem')).toBe(false);
    expect(namesTool(['weather'], 'weather2')).toBe(false);
  });

  it('have a form', () => {
    const parse = (name: string) => agentSchema.safeParse({ tools: [name] }).success;
    expect(['run_command', 'my-tool', 'files__*', 'a'].map(parse)).toEqual(Array(4).fill(true));
    expect(['*', 'files*', '1st', 'a b', 'x'.repeat(65), ''].map(parse)).toEqual(
      Array(6).fill(false),
    );
  });
});

it('the built-in tools are those that perdure.yaml knows', () => {
  expect(builtInTools({ home: '/home', timeouts: TIME_LIMITS }).map(({ name }) => name)).toEqual([
    ...BUILT_IN_TOOLS,
  ]);
});
