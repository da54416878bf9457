// A person's word on an edit of a file, with processes that die while it is waited for.
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { startCluster } from '../support/cluster.ts';
import type { Cluster, ClusterOptions } from '../support/cluster.ts';
import { postgresDatabase } from '../support/database.ts';
import { insist, postJson, startSession, watch } from '../support/watcher.ts';
import type { Watcher } from '../support/watcher.ts';

vi.setConfig({ testTimeout: 480_000 });

interface Approval {
  readonly approvalId: string;
  readonly preview: string;
}

/** A cluster whose agent may write files after an approval only, and the folder that it works in. */
async function startCautious(options: ClusterOptions) {
  const cluster = await startCluster({
    ...options,
    settings: {
      agents: { writer: { tools: ['write_file'] } },
      approvalPolicy: [{ tool: 'write_file', action: 'ask' }],
      workspaceRoots: ['/tmp'],
      timeouts: { heartbeatMs: 6_000, heartbeatThrottleMs: 500 },
      worker: { drainMs: 1_000 },
    },
  });
  const workspace = join(cluster.folder, 'project');
  await mkdir(workspace);
  const file = join(workspace, 'notes.txt');
  await writeFile(file, 'old words\n');
  return { cluster, workspace, file };
}

/** A turn whose model wants to write, and the approval that it waits for. */
async function asking({ urls }: Cluster, workspace: string) {
  const url = urls[0]!;
  const sessionId = await startSession(url, { agent: 'writer', workspace });
  const watcher = watch(urls, sessionId);
  const input = JSON.stringify({ path: 'notes.txt', content: 'new words\n' });
  const turn = await watcher.send(`call=write_file${input}`);
  await watcher.until('the question', (events) =>
    events.some(({ type }) => type === 'approval.opened'),
  );
  const { approvals } = (await (
    await fetch(`${url}/api/approvals?sessionId=${sessionId}`)
  ).json()) as { approvals: readonly Approval[] };
  return { watcher, turn, approval: approvals[0]! };
}

const decide = ({ urls }: Cluster, { approvalId }: Approval, body: object) =>
  postJson<{ outcome: string }>(`${urls[0]}/api/approvals/${approvalId}/decision`, body);

const countOf = ({ events }: Watcher, wanted: string): number =>
  events.filter(({ type }) => type === wanted).length;

/** What is true of a call that was approved with other arguments, whatever died before. */
async function expectOnce(watcher: Watcher, turn: Parameters<Watcher['settled']>[0], file: string) {
  const { outcome, steps } = await watcher.settled(turn);
  expect(outcome).toBe('completed');
  expect(await readFile(file, 'utf8')).toBe('better words\n');
  expect(steps[0]?.calls).toMatchObject([
    {
      settlement: { outcome: 'completed' },
      approval: { settlement: { outcome: 'approved', by: 'local' } },
    },
  ]);
  for (const type of ['approval.opened', 'approval.settled', 'tool.started', 'tool.settled'])
    expect([type, countOf(watcher, type)]).toEqual([type, 1]);
}

const BETTER = {
  decision: 'approve',
  decisionId: 'mine',
  arguments: { path: 'notes.txt', content: 'better words\n' },
};

test('a call waits for a person while every process dies, and runs once, with what they approved', async () => {
  const { cluster, workspace, file } = await startCautious({});
  await using _ = cluster;
  const { watcher, turn, approval } = await asking(cluster, workspace);
  await using __ = watcher;
  // A diff of the edit, which changed nothing.
  expect(approval.preview).toMatch(/-old words\n\+new words/);
  await cluster.apis[0]!.kill();
  await cluster.temporal.stop();
  await cluster.temporal.start();
  await cluster.apis[0]!.start();
  expect(await readFile(file, 'utf8')).toBe('old words\n');
  const decided = await insist(() => decide(cluster, approval, BETTER));
  // Its repeat is the same decision, and another one comes too late.
  expect(await decide(cluster, approval, BETTER)).toEqual(decided);
  await expect(decide(cluster, approval, { decision: 'reject' })).rejects.toThrow('approval_stale');
  await expectOnce(watcher, turn, file);
  expect(JSON.stringify(cluster.model.requests.at(-1))).toContain('better words');
});

test('a decision that no worker hears is not made, and is made once when one is there again', async () => {
  await using database = await postgresDatabase();
  const { cluster, workspace, file } = await startCautious({ postgresUrl: database.url });
  await using _ = cluster;
  const { watcher, turn, approval } = await asking(cluster, workspace);
  await using __ = watcher;
  await cluster.workers[0]!.kill();
  await expect(decide(cluster, approval, BETTER)).rejects.toThrow('worker_unavailable');
  expect(countOf(watcher, 'approval.settled')).toBe(0);
  await cluster.workers[0]!.start();
  expect(await insist(() => decide(cluster, approval, BETTER))).toMatchObject({
    outcome: 'approved',
  });
  await expectOnce(watcher, turn, file);
});

test('a worker that is killed the moment a person decides leaves a call that runs once', async () => {
  await using database = await postgresDatabase();
  const { cluster, workspace, file } = await startCautious({ postgresUrl: database.url });
  await using _ = cluster;
  for (let round = 0; round < 3; round++) {
    await writeFile(file, 'old words\n');
    const { watcher, turn, approval } = await asking(cluster, workspace);
    await using __ = watcher;
    const deciding = insist(() => decide(cluster, approval, BETTER));
    await cluster.workers[0]!.kill();
    await cluster.workers[0]!.start();
    expect(await deciding).toMatchObject({ outcome: 'approved' });
    const { outcome } = await watcher.settled(turn);
    expect(outcome).toBe('completed');
    expect(await readFile(file, 'utf8')).toBe('better words\n');
    expect(countOf(watcher, 'approval.settled')).toBe(1);
    expect(countOf(watcher, 'tool.settled')).toBe(1);
  }
});
