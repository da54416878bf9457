import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { createLog } from '../../telemetry/log.ts';
import { startPruning } from '../../worker/pruning.ts';
import type { Journal } from '../../journal/port.ts';

const log = createLog({ level: 'silent', service: 'test' });

it('prunes again and again, never twice at once, through failures, until it is disposed of', async () => {
  let atOnce = 0;
  let most = 0;
  const calls: { olderThanMs: number }[] = [];
  const audited: { olderThanMs: number }[] = [];
  const prune = async (options: { olderThanMs: number; limit: number }): Promise<number> => {
    calls.push(options);
    most = Math.max(most, (atOnce += 1));
    await sleep(20);
    atOnce -= 1;
    if (calls.length === 2) throw new Error('the database is away');
    return 3;
  };
  const audit = {
    prune: async (options: { olderThanMs: number }) => audited.push(options),
  };
  const journal = { events: { prune }, audit } as unknown as Journal;
  const retention = { deltaRetentionMs: 5_000, auditRetentionMs: 7_000 };
  {
    using _pruning = startPruning({ journal, log, retention, everyMs: 5 });
    while (calls.length < 4) await sleep(5);
  }
  const count = calls.length;
  await sleep(50);
  expect(calls).toHaveLength(count);
  expect(most).toBe(1);
  expect(calls[0]).toMatchObject({ olderThanMs: 5_000 });
  // Also where the other one failed.
  expect(audited).toHaveLength(count);
  expect(audited[0]).toMatchObject({ olderThanMs: 7_000 });
});
