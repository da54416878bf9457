import { expect, test } from 'vitest';
import { newId } from '../../contracts/ids.ts';
import type { RegisterRunner } from '../../contracts/runners.ts';
import type { Journal, Owner } from '../../journal/port.ts';
import { scriptedModel } from '../../testing/scripted-model.ts';
import { openStage } from './stage.ts';

const OWNER = { tenant: 'acme', user: 'ann' };

const tool = (name: string, description = 'x'): RegisterRunner['tools'][number] => ({
  ...{ name, description, effect: 'read' },
  inputSchema: { type: 'object' },
});

async function register(journal: Journal, change: Partial<RegisterRunner>, owner: Owner = OWNER) {
  const runner = { labels: {}, workdir: '/w', tools: [tool('there')], version: '1' };
  const { row } = await journal.runners.register(owner, {
    ...{ ...runner, name: 'laptop', instance: newId('run') },
    ...change,
  });
  return row;
}

test('an agent that names a runner is offered its tools, instead of the worker’s of the same name', async () => {
  const model = scriptedModel([{ calls: [{ name: 'read_file', input: { path: 'a' } }] }]);
  await using stage = await openStage({
    resolver: model.resolver,
    agent: { tools: ['read_file', 'list_files'], runner: { name: 'laptop' } },
  });
  await register(stage.journal, { tools: [tool('read_file'), tool('there')] });
  await register(stage.journal, { name: 'other', tools: [tool('elsewhere')] });
  const result = await stage.callModel(stage.message('go'));
  expect(model.requests[0]?.tools).toEqual(['read_file', 'there']);
  expect(result).toMatchObject({ calls: [{ name: 'read_file', mode: 'remote', effect: 'read' }] });
  const [call] = await stage.journal.ledger.remote({ tenants: ['acme'] }, 10);
  expect(call).toMatchObject({ name: 'read_file', state: 'offered', runner: { name: 'laptop' } });
});

test('of runners with the same labels and tools the one that was seen last describes them', async () => {
  const model = scriptedModel([{ text: 'a' }]);
  await using stage = await openStage({
    resolver: model.resolver,
    agent: { tools: [], runner: { labels: { gpu: 'a' } } },
  });
  const labels = { gpu: 'a' };
  await register(stage.journal, { name: 'one', labels, tools: [tool('there'), tool('more')] });
  await register(stage.journal, { name: 'two', labels });
  await register(stage.journal, { name: 'three' });
  await register(stage.journal, { name: 'four', labels }, { tenant: 'acme', user: 'bob' });
  await stage.callModel(stage.message('go'));
  expect(model.requests[0]?.tools).toEqual(['more', 'there']);
});

test('without a runner that fits the model is offered no tool of a folder: the worker’s own never takes its place', async () => {
  const model = scriptedModel([{ text: 'a' }, { text: 'b' }]);
  await using stage = await openStage({
    resolver: model.resolver,
    agent: { tools: ['read_file', 'run_command', 'fetch_url'], runner: { name: 'nowhere' } },
  });
  await register(stage.journal, {});
  await stage.callModel(stage.message('go'));
  expect(model.requests[0]?.tools).toEqual(['fetch_url']);
});
