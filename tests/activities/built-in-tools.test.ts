import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { agentSchema, BUILT_IN_TOOLS } from '../../contracts/settings.ts';
import { scriptedModel } from '../../testing/scripted-model.ts';
import { activityEnvironment, openStage } from './stage.ts';

type Call = { readonly name: string; readonly input: object };

/** A step in which the model asks for these, each executed, and what became of them. */
async function settled(calls: readonly Call[], files: Record<string, string> = {}) {
  const model = scriptedModel([{ calls }]);
  const stage = await openStage({
    resolver: model.resolver,
    agent: { tools: [...BUILT_IN_TOOLS] },
    files,
  });
  const input = stage.message('go');
  const result = await stage.callModel(input);
  if (result.outcome !== 'tool_calls') throw new Error(result.outcome);
  const outcomes: string[] = [];
  for (const call of result.calls)
    if (!call.settled) outcomes.push(await stage.executeTool(input, call));
  const events = await stage.eventsOf('tool.settled');
  return { stage, model, outcomes, settlements: events.map(({ data }) => data), result, input };
}

describe('the built-in tools', () => {
  it("that change something are an agent's only where it names them", () => {
    expect(agentSchema.parse({}).tools).toEqual(['list_files', 'read_file', 'search_files']);
  });

  it('are offered with their arguments, sorted by name', async () => {
    const { stage, model } = await settled([{ name: 'list_files', input: {} }]);
    await using _ = stage;
    expect(model.requests[0]?.tools).toEqual([...BUILT_IN_TOOLS].sort());
  });

  it('write a file, edit it, run it and refuse to fetch from the machine itself', async () => {
    const { stage, outcomes, settlements } = await settled([
      { name: 'write_file', input: { path: 'bin/hi.sh', content: 'echo hello\n' } },
      { name: 'edit_file', input: { path: 'bin/hi.sh', edits: [{ old: 'hello', new: 'bye' }] } },
      { name: 'run_command', input: { command: 'sh bin/hi.sh' } },
      { name: 'fetch_url', input: { url: 'http://127.0.0.1/' } },
    ]);
    await using _ = stage;
    expect(outcomes).toEqual(['completed', 'completed', 'completed', 'failed']);
    expect(settlements.map((each) => ('result' in each ? each.result : each))).toMatchObject([
      '"bin/hi.sh" was created, 11 bytes.',
      '--- a/bin/hi.sh\n+++ b/bin/hi.sh\n@@ -1,1 +1,1 @@\n-echo hello\n+echo bye\n',
      'bye\n[exit code 0]',
      { error: { code: 'tool_denied' } },
    ]);
  });

  it('refuse arguments that are not theirs before anything runs', async () => {
    const { stage, outcomes, settlements } = await settled([
      { name: 'run_command', input: { command: 'true', timeoutSeconds: 100_000 } },
      { name: 'edit_file', input: { path: 'a', edits: [] } },
      { name: 'fetch_url', input: { url: 'http://example.com/', method: 'POST' } },
      { name: 'write_file', input: { path: 'a', content: 1 } },
    ]);
    await using _ = stage;
    expect(outcomes).toEqual([]);
    expect(settlements.map(({ outcome }) => outcome)).toEqual(Array(4).fill('failed'));
  });

  it('find an edit that was made before their worker died, and do not make it again', async () => {
    const edit = { path: 'a.txt', edits: [{ old: 'one', new: 'two' }] };
    const model = scriptedModel([{ calls: [{ name: 'edit_file', input: edit }] }]);
    await using stage = await openStage({
      resolver: model.resolver,
      agent: { tools: ['edit_file'] },
      files: { 'a.txt': 'one' },
    });
    const input = stage.message('go');
    const result = await stage.callModel(input);
    if (result.outcome !== 'tool_calls') throw new Error(result.outcome);
    const call = result.calls[0]!;
    const { callId } = call;
    const { sessionId, turn, step } = input;
    // The first attempt: claimed, edited, and no more heard of.
    const fence = { scheduledAt: Date.now() - 60_000, attempt: 1 };
    await stage.journal.ledger.begin({ sessionId, turn, step, callId }, fence);
    await writeFile(path.join(stage.workspace, 'a.txt'), 'two');
    await stage.executeTool(input, call, { env: activityEnvironment({ attempt: 2 }) });
    expect((await stage.eventsOf('tool.settled'))[0]?.data).toMatchObject({
      outcome: 'completed',
      result: 'The edit had been made before its worker went away.',
    });
    expect(await readFile(path.join(stage.workspace, 'a.txt'), 'utf8')).toBe('two');
  });
});
