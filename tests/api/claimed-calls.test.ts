// A claim is its runner's, whatever an operator or its owner changes meanwhile.
import { expect, test } from 'vitest';
import { newId } from '../../contracts/ids.ts';
import type { CallId } from '../../contracts/ids.ts';
import { openCalls, OWNER, toolCall } from '../journal/support/facts.ts';
import { startFixture } from './support/fixture.ts';

test('whoever has claimed a call renews, reports and answers it after it is no longer shared and has other labels, and gets no other; one that was forgotten is told so by the field', async () => {
  await using product = await startFixture({ settings: { api: { requireKey: true } } });
  const bob = await product.key(OWNER.tenant, 'bob', 'runner');
  const olga = await product.key(OWNER.tenant, 'olga', 'operator');
  const holder = newId('run');
  const said = { name: 'lent', instance: holder, workdir: '/home/bob', tools: [], version: '1' };
  const register = (labels: object) =>
    product.send('POST', '/api/runners', { key: bob, body: { ...said, labels } });
  const { runnerId } = (await register({ lent: 'yes' })).body as unknown as { runnerId: string };
  const share = (shared: boolean) =>
    product.send('POST', `/api/runners/${runnerId}/share`, { key: olga, body: { shared } });
  const say = async (callId: CallId, what: string, more: object = {}) => {
    const body = { runnerId, holder, ...more };
    const answer = await product.send('POST', `/api/tools/${callId}/${what}`, { key: bob, body });
    return answer.status < 300 ? 'taken' : [answer.body.code, answer.body.field];
  };
  const calls = [1, 2, 3].map(() =>
    toolCall({ mode: 'remote', effect: 'read', runner: { labels: { lent: 'yes' } } }),
  );
  await openCalls(product.journal, ...calls);
  const [held, free, kept] = calls.map(({ callId }) => callId) as [CallId, CallId, CallId];

  await share(true);
  for (const callId of [held, kept]) expect(await say(callId, 'claim')).toBe('taken');
  await share(false);
  await register({});
  const done = { outcome: { status: 'completed', result: 'found' } };
  expect(await say(held, 'claim')).toBe('taken');
  expect(await say(held, 'progress', { message: 'half' })).toBe('taken');
  expect(await say(held, 'result', done)).toBe('taken');
  expect(await say(free, 'claim')).toEqual(['not_found', undefined]);

  await product.send('DELETE', `/api/runners/${runnerId}`, { key: olga });
  expect(await say(kept, 'result', done)).toEqual(['not_found', 'runnerId']);
  await register({});
  expect(await say(kept, 'result', done)).toBe('taken');
});
