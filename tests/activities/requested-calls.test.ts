import { describe, expect, it } from 'vitest';
import { MAX_CALLS_PER_STEP } from '../../contracts/limits.ts';
import { cleanJson } from '../../activities/model/clean-text.ts';
import { openStage } from './stage.ts';
import { startModelServer } from '../support/model-server.ts';

interface Said {
  readonly role: string;
  readonly tool_call_id?: string;
  readonly content?: unknown;
  readonly tool_calls?: readonly {
    readonly id: string;
    readonly function: { readonly name: string; readonly arguments: string };
  }[];
}

/** What a model asks for goes through the ledger and back to it, over HTTP. */
async function asking(toolCalls: readonly { name: string; arguments: unknown }[]) {
  const server = await startModelServer();
  const stage = await openStage({
    providers: { fake: { kind: 'openai-compatible', baseUrl: `${server.url}/v1` } },
    models: { fake: { provider: 'fake', model: 'fake-1' } },
  });
  server.script({ toolCalls });
  const step = stage.message('go');
  const result = await stage.callModel(step);
  const calls = result.outcome === 'tool_calls' ? result.calls : [];
  for (const call of calls) if (!call.settled) await stage.executeTool(step, call);
  const next = { ...step, step: 2, messages: [] };
  expect((await stage.callModel(next)).outcome).toBe('completed');
  const { messages } = server.requests[1]!.body as { messages: Said[] };
  return {
    calls,
    asked: messages.flatMap(({ tool_calls: all = [] }) => all),
    told: messages.filter(({ role }) => role === 'tool'),
    settled: (await stage.eventsOf('tool.settled')).map(({ data }) => data),
    async [Symbol.asyncDispose]() {
      await stage[Symbol.asyncDispose]();
      await server.close();
    },
  };
}

const look = (path = '.') => ({ name: 'list_files', arguments: { path } });

describe('the calls of a step', () => {
  it('beyond the most that run are told to have failed: each call that was made has one result', async () => {
    const count = MAX_CALLS_PER_STEP + 36;
    await using said = await asking(Array.from({ length: count }, () => look()));
    expect(said.asked).toHaveLength(count);
    expect(said.told.map(({ tool_call_id: id }) => id)).toEqual(said.asked.map(({ id }) => id));
    const failed = said.settled.filter(({ outcome }) => outcome === 'failed');
    expect(failed).toHaveLength(36);
    expect(failed[0]).toMatchObject({ error: { message: expect.stringContaining('did not run') } });
    expect(said.settled.filter(({ outcome }) => outcome === 'completed')).toHaveLength(
      MAX_CALLS_PER_STEP,
    );
    // What the workflow's history holds of them is bounded.
    expect(said.calls).toHaveLength(MAX_CALLS_PER_STEP);
  });

  it.each(['functions.read_file', 'read file', 'ключ', 'nul\0', 'long'.repeat(40), '💥'])(
    'by the name %j go back to the provider under a name that it takes',
    async (name) => {
      await using said = await asking([{ name, arguments: {} }, look()]);
      expect(said.asked.map(({ function: called }) => called.name)).toEqual([
        expect.stringMatching(/^[A-Za-z0-9_-]{1,64}$/),
        'list_files',
      ]);
      expect(said.told).toHaveLength(2);
      expect(said.told[0]?.content).toContain('There is no tool "');
      expect(said.told[0]?.content).toContain('Tools: list_files');
    },
  );

  it('with half a character in their arguments are recorded, run and told without it', async () => {
    const half = '{"path":"a\\ud83d","\\ude00":"\\\\ud83d \\ud83d\\ude00"}';
    await using said = await asking([{ name: 'list_files', arguments: half }]);
    expect(JSON.parse(said.asked[0]!.function.arguments)).toEqual({
      path: 'a\uFFFD',
      '\uFFFD': '\\ud83d 😀',
    });
    expect(said.told).toHaveLength(1);
  });

  it('that are no JSON, or no object, are told so and make the next request no worse', async () => {
    await using said = await asking([
      { name: 'list_files', arguments: '{"path":' },
      { name: 'list_files', arguments: '[1]' },
      { name: 'list_files', arguments: '"text"' },
    ]);
    for (const { function: called } of said.asked)
      expect(JSON.parse(called.arguments)).toBeTypeOf('object');
    expect(said.told).toHaveLength(3);
    for (const { content } of said.told) expect(content).toContain('Invalid arguments');
  });
});

it('JSON is cleaned of half characters only', () => {
  for (const value of [
    '\uD800',
    '\\ud800',
    '\\\uD800',
    '😀',
    '\\\\ud800',
    { '\uDC00': ['\uDBFF'] },
  ])
    expect(JSON.parse(cleanJson(JSON.stringify(value)))).toEqual(wellFormed(value));
});

const wellFormed = (value: unknown): unknown => {
  if (typeof value === 'string') return value.toWellFormed();
  if (Array.isArray(value)) return value.map(wellFormed);
  return Object.fromEntries(
    Object.entries(value as object).map(([key, inner]) => [key.toWellFormed(), wellFormed(inner)]),
  );
};
