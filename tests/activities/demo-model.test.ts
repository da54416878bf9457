import { describe, expect, it } from 'vitest';
import { nextStep, openStage } from './stage.ts';

describe('the demo model', () => {
  it('says that it is a script and not an AI, and repeats what was said', async () => {
    await using stage = await openStage();
    const result = await stage.callModel(stage.message('good morning'));
    expect(result.outcome).toBe('completed');
    const [completed] = await stage.eventsOf('content.completed');
    expect(completed?.data.text).toContain('a script, not an AI');
    expect(completed?.data.text).toContain('You said: good morning');
  });

  it('introduces itself once in a conversation', async () => {
    await using stage = await openStage();
    await stage.callModel(stage.message('one'));
    await stage.callModel(stage.message('two'));
    const completed = await stage.eventsOf('content.completed');
    expect(completed[1]?.data.text).toBe('You said: two');
  });

  it.each(['call me tomorrow', 'call list_files {path}'])(
    'does not call a tool for %s',
    async (text) => {
      await using stage = await openStage();
      expect((await stage.callModel(stage.message(text))).outcome).toBe('completed');
    },
  );

  it.each([
    ['what is in this folder?', 'list_files', 'notes.txt'],
    ['find TODO', 'search_files', 'notes.txt:1: TODO buy milk'],
    ['read README', 'read_file', 'Hello from the readme'],
    ['read notes.txt', 'read_file', 'TODO buy milk'],
    ['call read_file {"path":"notes.txt"}', 'read_file', 'read_file says:\n\nTODO buy milk'],
    ['Call list_files', 'list_files', 'notes.txt'],
  ])('really calls a tool for %s', async (question, tool, expected) => {
    await using stage = await openStage({
      files: { 'notes.txt': 'TODO buy milk\n', 'README.md': 'Hello from the readme\n' },
    });
    const first = stage.message(question);
    const asked = await stage.callModel(first);
    if (asked.outcome !== 'tool_calls') throw new Error(`no tool calls: ${asked.outcome}`);
    expect(asked.calls.map(({ name }) => name)).toEqual([tool]);
    for (const call of asked.calls) expect(await stage.executeTool(first, call)).toBe('completed');
    expect((await stage.callModel(nextStep(first))).outcome).toBe('completed');
    const completed = await stage.eventsOf('content.completed');
    expect(completed.at(-1)?.data.text).toContain(expected);
  });
});
