import { readdir, readlink } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { expectExact, numbered, requestsFor } from '../faults/exact-answers.ts';
import { startAllInOne } from '../faults/fault-cluster.ts';
import type { Cluster } from '../support/cluster.ts';
import { postJson, startSession, watch } from '../support/watcher.ts';

const MANY = 100;

async function talk(cluster: Cluster, count: number, label: string): Promise<void> {
  const url = cluster.urls[0] ?? '';
  await using watchers = new AsyncDisposableStack();
  const sessions = await Promise.all(
    Array.from({ length: count }, async (_, index) => {
      const watcher = watchers.use(watch(cluster.urls, await startSession(url)));
      return {
        watcher,
        label: `${label}${index}`,
        turn: await watcher.send(`#${label}${index} tokens=20`),
      };
    }),
  );
  for (const session of sessions)
    await expectExact(session.watcher, session.turn, numbered(session.label, 20));
  for (const session of sessions) expect(requestsFor(cluster, session.label)).toHaveLength(1);
  await Promise.all(
    sessions.map(async ({ watcher }) => {
      await postJson(`${url}/api/sessions/${watcher.sessionId}/stop`, {});
      await watcher.until('the end', (events) => events.at(-1)?.type === 'session.ended');
    }),
  );
}

/** What the process holds. Not its sockets: idle ones of this test's `fetch` live on for their keep-alive time. */
async function holdings(pid: number) {
  const [files, threads] = await Promise.all([
    readdir(`/proc/${pid}/fd`),
    readdir(`/proc/${pid}/task`),
  ]);
  const targets = await Promise.all(
    files.map((file) => readlink(`/proc/${pid}/fd/${file}`).catch(() => 'socket:')),
  );
  return {
    files: targets.filter((target) => !target.startsWith('socket:')).length,
    threads: threads.length,
  };
}

/** The value of one of the process's figures. */
async function figure(cluster: Cluster, name: string): Promise<number | undefined> {
  const text = await (await fetch(`${cluster.urls[0]}/metrics`)).text();
  const lines = text.split('\n').filter((line) => new RegExp(`^${name}(\\{|\\s)`).test(line));
  return lines.length === 0
    ? undefined
    : lines.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
}

async function eventually(what: string, holds: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 60_000;
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error(`never came: ${what}`);
    await sleep(250);
  }
}

test('a hundred sessions at once stream exact answers, and leave nothing behind when they have ended', async () => {
  await using cluster = await startAllInOne();
  const pid = cluster.apis[0]?.pid ?? 0;
  // What is opened once for good (connections to Temporal and the provider) is there after these.
  await talk(cluster, 10, 'warm');
  await eventually('quiet', async () => (await figure(cluster, 'perdure_open_streams')) === 0);
  const before = await holdings(pid);

  await talk(cluster, MANY, 'many');

  await eventually(
    'no open stream',
    async () => (await figure(cluster, 'perdure_open_streams')) === 0,
  );
  await eventually(
    'no cached workflow',
    async () => (await figure(cluster, 'temporal_sticky_cache_size')) === 0,
  );
  await eventually(`no more than ${JSON.stringify(before)}`, async () => {
    const after = await holdings(pid);
    return after.files <= before.files && after.threads <= before.threads;
  });
});
