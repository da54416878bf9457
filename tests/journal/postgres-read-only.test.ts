import pg from 'pg';
import { expect, test } from 'vitest';
import { openPostgresJournal } from '../../journal/postgres.ts';
import { migrate } from '../../journal/migrate.ts';
import { postgresDatabase } from '../support/database.ts';
import { openStep } from './support/facts.ts';

test('a server that takes no writes is told by a ping', async () => {
  await using database = await postgresDatabase();
  await migrate({ url: database.url }, 'up');
  const journal = await openPostgresJournal({ url: database.url, poolSize: 2 });
  await journal.ping();
  await journal.close();
  const url = new URL(database.url);
  // The same that a standby says: of each connection, because the database is somebody's to drop.
  url.searchParams.set('options', '-c search_path=perdure -c default_transaction_read_only=on');
  await expect(
    openPostgresJournal({ url: url.href, poolSize: 2 }).then((it) => it.ping()),
  ).rejects.toMatchObject({
    code: 'journal_unavailable',
    message: expect.stringContaining('read-only'),
  });
});

test('a server that cannot write for want of space is told by a ping while writes fail, and its end too', async () => {
  await using database = await postgresDatabase();
  await migrate({ url: database.url }, 'up');
  let now = Date.now();
  const journal = await openPostgresJournal({ url: database.url, poolSize: 2, now: () => now });
  const { sessionId } = await openStep(journal);
  const admin = new pg.Client({ connectionString: database.url });
  await admin.connect();
  // What a server says whose disk is full; a statement that changes nothing is let through by both.
  await admin.query(`
    create function perdure.full() returns trigger language plpgsql as
      $$ begin raise exception 'could not extend file: No space left on device' using errcode = '53100'; end $$;
    create trigger full_disk before insert on perdure.events for each row execute function perdure.full()`);
  await journal.ping();
  const failing = { code: 'journal_unavailable', message: expect.stringContaining('No space') };
  const event = { type: 'session.state', data: { state: 'waiting' } } as const;
  const write = () => journal.events.record(sessionId, [{ key: 'waits', event }]);
  await expect(write()).rejects.toMatchObject(failing);
  await expect(journal.ping()).rejects.toMatchObject(failing);

  // Nobody writes any more, so nobody knows: the next write will tell.
  now += 10_000;
  await journal.ping();
  await expect(write()).rejects.toMatchObject(failing);
  await expect(journal.ping()).rejects.toMatchObject(failing);

  await admin.query('drop trigger full_disk on perdure.events');
  await admin.end();
  await write();
  await journal.ping();
  await journal.close();
});
