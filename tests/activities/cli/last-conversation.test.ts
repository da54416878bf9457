/** What a new program of a session is told of the one before. */
import { expect, test } from 'vitest';
import { lastConversation } from '../../../activities/cli/last-conversation.ts';
import type { NewEvent } from '../../../contracts/events.ts';
import { NO_USAGE } from '../../../contracts/usage.ts';
import { emptyJournal, sqlite } from '../../journal/support/dialects.ts';
import { createSession } from '../../journal/support/facts.ts';

const state = (change: object, provider = 'codex'): NewEvent => ({
  type: 'program.state',
  data: { provider, state: 'ready', ...change },
});
const ended = (conversation?: string): NewEvent =>
  state({ state: 'terminated', reason: 'ended', ...(conversation && { conversation }) });
const used = (inputTokens: number): NewEvent => ({
  type: 'usage.recorded',
  data: { provider: 'codex', model: 'codex', usage: { ...NO_USAGE, inputTokens }, costUsd: 0 },
});

async function lastOf(...events: readonly NewEvent[]) {
  await using opened = await emptyJournal(sqlite);
  const { journal } = opened;
  const sessionId = await createSession(journal);
  const facts = events.map((event, at) => ({ key: `fact:${at}`, event }));
  await journal.events.record(sessionId, facts);
  const { conversation, used: spent } = await lastConversation(journal, {
    ...{ sessionId, provider: 'codex', idleMs: 1 },
  });
  return [conversation, spent?.usage.inputTokens];
}

test('the sum of a conversation is what all its programs recorded, and no other conversation counts', async () => {
  const ready = state({});
  expect(await lastOf(ready, used(5), used(7), ended('a'))).toEqual(['a', 12]);
  const twice = [ready, used(5), ended('a'), ready, used(7), ended('a')];
  expect(await lastOf(...twice)).toEqual(['a', 12]);
  expect(await lastOf(...twice, ready, used(3), ended('b'))).toEqual(['b', 3]);
});

test('there is none where the last program left none, or was another', async () => {
  const ready = state({});
  const none = [undefined, undefined];
  expect(await lastOf(ready)).toEqual(none);
  expect(await lastOf(ready, used(5), ended('a'), ready, used(3), ended())).toEqual(none);
  const other = state({ state: 'terminated', conversation: 'c' }, 'claude');
  expect(await lastOf(ready, used(5), ended('a'), other)).toEqual(none);
});
