import { expect, test } from 'vitest';
import { openPostgresJournal } from '../../journal/postgres.ts';
import { migrate } from '../../journal/migrate.ts';
import { postgresDatabase } from '../support/database.ts';

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
