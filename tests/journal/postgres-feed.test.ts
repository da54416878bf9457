import pg from 'pg';
import { expect, test, vi } from 'vitest';
import { newId } from '../../contracts/ids.ts';
import { migrate } from '../../journal/migrate.ts';
import { openPostgresJournal } from '../../journal/postgres.ts';
import { postgresDatabase } from '../support/database.ts';
import { cutting } from './support/cuts.ts';
import { emptyJournal, postgres } from './support/dialects.ts';
import {
  answer,
  claimOf,
  claimed,
  createSession,
  delta,
  deltasOf,
  openStep,
  OWNER,
} from './support/facts.ts';

async function listening(url: string, channel: string) {
  const client = new pg.Client({ connectionString: url });
  const heard: string[] = [];
  client.on('notification', ({ payload }) => heard.push(payload!));
  await client.connect();
  await client.query(`listen ${channel}`);
  return { heard, [Symbol.asyncDispose]: () => client.end() };
}

test('commits are announced by id, coalesced, and as "all" where there are too many', async () => {
  await using database = await postgresDatabase();
  await migrate({ url: database.url }, 'up');
  const journal = await openPostgresJournal({ url: database.url, poolSize: 4 });
  const steps = await Promise.all(Array.from({ length: 300 }, () => openStep(journal)));
  await using events = await listening(database.url, 'perdure_events');
  await using closed = await listening(database.url, 'perdure_closed');
  const { sessionId, turn, attempt } = steps[0]!;
  await journal.steps.append(attempt, [delta('x')]);
  await expect.poll(() => events.heard).toEqual([sessionId]);
  await Promise.all(steps.map((step) => journal.steps.append(step.attempt, [delta('x')])));
  await expect.poll(() => events.heard).toContain('*');
  expect(events.heard.length).toBeLessThan(20);
  await journal.steps.seal({
    sessionId,
    turn,
    step: 1,
    cause: 'stop',
    messages: [],
    turnSpend: answer('').spend,
  });
  await expect.poll(() => closed.heard).toEqual([sessionId]);
  await journal.close();
});

test('two processes see each other’s events without waiting for the slow poll', async () => {
  await using opened = await emptyJournal(postgres);
  const worker = opened.journal;
  using noPolls = vi.spyOn(globalThis, 'setInterval').mockImplementation(() => undefined as never);
  const api = await opened.database.open();
  expect(noPolls).toHaveBeenCalledOnce();
  const stop = new AbortController();
  const { sessionId, attempt } = await openStep(worker);
  const { promise, resolve } = Promise.withResolvers<void>();
  let text = '';
  const tailing = (async () => {
    for await (const events of api.events.tail(sessionId, { after: 0, signal: stop.signal })) {
      text += deltasOf(events);
      if (text === '0123456789') resolve();
    }
  })();
  for (let i = 0; i < 10; i++) await worker.steps.append(attempt, [delta(`${i}`)]);
  await promise;
  stop.abort();
  await tailing;
  await api.close();
});

test('a lost connection for notifications is replaced, and what was missed is read', async () => {
  await using opened = await emptyJournal(postgres);
  const { journal, database } = opened;
  const sessionId = await createSession(journal);
  const stop = new AbortController();
  let text = '';
  const tailing = (async () => {
    for await (const events of journal.events.tail(sessionId, { after: 0, signal: stop.signal }))
      text += deltasOf(events);
  })();
  const attempt = await claimed(journal, claimOf(sessionId));
  await journal.steps.append(attempt, [delta('one ')]);
  await expect.poll(() => text).toBe('one ');
  const kill = `select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'perdure journal feed' and datname = current_database()`;
  await database.execute(kill);
  await journal.steps.append(attempt, [delta('two ')]);
  await expect.poll(() => text).toBe('one two ');
  await expect
    .poll(async () => {
      await journal.contexts.set(OWNER, 'c', newId('ses'));
      return true;
    })
    .toBe(true);
  stop.abort();
  await tailing;
});

test('a connection that breaks while it announces costs a reader no event', async () => {
  await using opened = await emptyJournal(postgres);
  const { journal } = opened;
  const { sessionId, attempt } = await openStep(journal);
  const stop = new AbortController();
  let text = '';
  const tailing = (async () => {
    for await (const events of journal.events.tail(sessionId, { after: 0, signal: stop.signal }))
      text += deltasOf(events);
  })();
  using cuts = cutting('before', 'perdure journal feed');
  cuts.at(1);
  await journal.steps.append(attempt, [delta('one ')]);
  await expect.poll(() => cuts.made()).toBe(true);
  await journal.steps.append(attempt, [delta('two ')]);
  await expect.poll(() => text, { timeout: 20_000 }).toBe('one two ');
  stop.abort();
  await tailing;
});
