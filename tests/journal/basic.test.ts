import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { newId } from '../../contracts/ids.ts';
import { NO_SPEND } from '../../contracts/usage.ts';
import { openSqliteJournal } from '../../journal/sqlite.ts';

test('a turn goes from claim to settlement, and a tail sees every event', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'perdure-journal-'));
  const journal = await openSqliteJournal({ file: join(folder, 'j.db'), synchronous: 'normal' });
  const sessionId = newId('ses');
  const turn = newId('msg');
  await journal.sessions.create({
    sessionId,
    tenant: 't',
    user: 'u',
    digest: 'd',
    agent: 'a',
    model: 'm',
    workspace: null,
    context: null,
    title: null,
    externalId: null,
    tools: [],
    limits: {},
  });
  const stop = new AbortController();
  const seen: string[] = [];
  const tailing = (async () => {
    for await (const events of journal.events.tail(sessionId, { after: 0, signal: stop.signal }))
      seen.push(...events.map((e) => `${e.seq} ${e.type}`));
  })();
  const claim = await journal.steps.claim({
    sessionId,
    turn,
    step: 1,
    fence: { scheduledAt: 1, attempt: 1 },
    inputDigest: 'x',
    messages: [{ messageId: turn, content: [{ type: 'text', text: 'hi' }], policy: 'enqueue' }],
  });
  if (claim.state !== 'claimed') throw new Error('not claimed');
  await journal.steps.append(claim.attempt, [
    { type: 'content.delta', data: { kind: 'text', text: 'hel' } },
  ]);
  await journal.steps.append(claim.attempt, [
    { type: 'content.delta', data: { kind: 'text', text: 'lo' } },
  ]);
  await journal.steps.finish(claim.attempt, {
    events: [
      { type: 'content.completed', data: { kind: 'text', text: 'hello' } },
      { type: 'model.settled', data: { outcome: 'completed', finishReason: 'stop' } },
      { type: 'turn.settled', data: { outcome: 'completed', ...NO_SPEND } },
    ],
    message: { content: [{ type: 'text', text: 'hello' }] },
    calls: [],
    spend: NO_SPEND,
    result: { outcome: 'completed', spend: NO_SPEND },
  });
  await expect.poll(() => seen.length).toBe(8);
  expect(seen).toEqual(
    (await journal.events.read(sessionId, { after: 0, limit: 100 })).events.map(
      (e) => `${e.seq} ${e.type}`,
    ),
  );
  expect((await journal.events.transcript(sessionId)).map((m) => m.role)).toEqual([
    'user',
    'assistant',
  ]);
  expect(await journal.sessions.get(sessionId)).toMatchObject({
    state: 'waiting',
    turns: 1,
    lastSeq: 8,
    turn: null,
  });
  stop.abort();
  await tailing;
  await journal.close();
  await rm(folder, { recursive: true });
});
