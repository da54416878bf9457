import { afterAll, beforeAll, expect, test } from 'vitest';
import { filtered } from '../../api/runners/filter.ts';
import { createPerdureClient } from '../../client/index.ts';
import { newId } from '../../contracts/ids.ts';
import { startFixture, type Fixture } from './support/fixture.ts';

const runner = (name: string, online: boolean, labels: Record<string, string>) => ({
  ...{ name, online, labels },
});
const ALL = [
  runner('desk', true, { os: 'linux', gpu: 'a100' }),
  runner('laptop', false, { os: 'linux' }),
  runner('mac', true, { os: 'macos', gpu: '' }),
];

test.each([
  { filter: {}, names: ['desk', 'laptop', 'mac'] },
  { filter: { online: true }, names: ['desk', 'mac'] },
  { filter: { online: false }, names: ['laptop'] },
  { filter: { labels: 'os=linux' }, names: ['desk', 'laptop'] },
  { filter: { labels: 'os=linux,gpu=a100' }, names: ['desk'] },
  { filter: { labels: 'gpu=' }, names: ['mac'] },
  { filter: { labels: 'os=linux', online: true }, names: ['desk'] },
  { filter: { labels: 'colour=red' }, names: [] },
])('a list of runners is narrowed by $filter', ({ filter, names }) => {
  expect(filtered(ALL, filter).map(({ name }) => name)).toEqual(names);
});

let product: Fixture;
beforeAll(async () => {
  product = await startFixture({ worker: false });
  for (const { name, labels } of ALL) {
    const told = { instance: newId('run'), workdir: '/home/ada', tools: [], version: '1' };
    const answer = await product.send('POST', '/api/runners', { body: { name, labels, ...told } });
    expect(answer.status).toBe(200);
  }
});
afterAll(() => product[Symbol.asyncDispose]());

test('the filter is the same over HTTP and in the SDK, and a malformed one is refused by its field', async () => {
  const listed = async (query: string) => {
    const { status, body } = await product.send('GET', `/api/runners${query}`);
    expect(status).toBe(200);
    return (body['runners'] as { name: string }[]).map(({ name }) => name);
  };
  expect(await listed('')).toEqual(['desk', 'laptop', 'mac']);
  expect(await listed('?labels=os=linux,gpu=a100&online=true')).toEqual(['desk']);
  expect(await listed('?online=false')).toEqual([]);
  using client = createPerdureClient({ url: product.url });
  const byLabels = await client.runners.list({ labels: { os: 'linux', gpu: 'a100' } });
  expect(byLabels).toMatchObject([{ name: 'desk', labels: { os: 'linux', gpu: 'a100' } }]);
  expect(await client.runners.list({ online: false })).toEqual([]);
  expect(await client.runners.list({ labels: {} })).toHaveLength(3);
  for (const [query, field] of [
    ['labels=linux', 'labels'],
    ['labels=', 'labels'],
    ['labels=os=linux,', 'labels'],
    ['online=perhaps', 'online'],
    ['colour=red', 'colour'],
  ] as const) {
    const { status, body } = await product.send('GET', `/api/runners?${query}`);
    expect([status, body.code, body.field]).toEqual([400, 'invalid_input', field]);
  }
});
