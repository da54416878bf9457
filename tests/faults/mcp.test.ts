/** A fleet with an MCP server: real workers, each with a process of its own, killed at the worst moment. */
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test, vi } from 'vitest';
import { createPerdureClient } from '../../client/index.ts';
import type { PerdureEvent } from '../../contracts/events.ts';
import { jsonLines, perdure } from '../cli/command.ts';
import { startCluster } from '../support/cluster.ts';
import type { Cluster } from '../support/cluster.ts';
import { postgresDatabase } from '../support/database.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

vi.setConfig({ testTimeout: 480_000 });
const WAIT_MS = 120_000;
const SHOP = fileURLToPath(new URL('../support/mcp/shop.ts', import.meta.url));

interface Fleet extends AsyncDisposable {
  readonly cluster: Cluster;
  /** What took effect: the names of the tools, in order. */
  effects(): Promise<readonly string[]>;
  /** A session whose model calls a tool; @returns the events of the turn. */
  call(name: string, input?: object): Promise<readonly PerdureEvent[]>;
  /** Of all workers. */
  log(): Promise<string>;
  /** The server describes its tool in other words, everywhere. */
  change(words: string): Promise<void>;
}

async function fleet(): Promise<Fleet> {
  await using started = new AsyncDisposableStack();
  const shop = started.use(await temporaryFolder()).path;
  const { url } = started.use(await postgresDatabase());
  const cluster = started.use(
    await startCluster({
      postgresUrl: url,
      workers: 2,
      settings: {
        agents: { assistant: { tools: ['shop__*'] } },
        mcpServers: { shop: { command: process.execPath, args: [SHOP, shop] } },
        timeouts: { heartbeatMs: 6_000, heartbeatThrottleMs: 500 },
        worker: { drainMs: 1_000 },
      },
    }),
  );
  const log = async (): Promise<string> =>
    (await Promise.all(cluster.workers.map(({ logFile }) => readFile(logFile, 'utf8')))).join('');
  await vi.waitUntil(
    async () => (await log()).split('MCP server has listed its tools').length === 3,
    { timeout: WAIT_MS },
  );
  const kept = started.move();
  return {
    cluster,
    log,
    effects: async () => {
      const calls = join(shop, 'calls');
      if (!existsSync(calls)) return [];
      const lines = (await readFile(calls, 'utf8')).trim().split('\n');
      return lines.map((line) => line.split(' ')[0]!);
    },
    call: async (name, input = {}) => {
      using client = createPerdureClient({ url: cluster.urls[0]! });
      const message = `call=${name}${JSON.stringify(input)} tokens=3`;
      const { session, messageId } = await client.start({ message });
      await session.onceSettled(messageId!);
      const events: PerdureEvent[] = [];
      for await (const event of session.events({ after: 0 })) {
        events.push(event);
        if (event.type === 'turn.settled') break;
      }
      return events;
    },
    change: async (words) => {
      await writeFile(join(shop, 'words'), words);
      // A worker asks a server for its list when it starts it.
      for (const worker of cluster.workers) {
        await worker.kill();
        await worker.start();
      }
    },
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

const settledIn = (events: readonly PerdureEvent[]) =>
  events.filter(({ type }) => type === 'tool.settled').map(({ data }) => data);

/** Both, so that the one with the call is among them. */
async function killWorkers({ workers }: Cluster): Promise<void> {
  await Promise.all(workers.map((worker) => worker.kill()));
  await Promise.all(workers.map((worker) => worker.start()));
}

test('a call on an MCP server whose worker is killed is unknown, and not made again', async () => {
  await using open = await fleet();
  const turn = open.call('shop__pay', { next: 'hang' });
  await vi.waitUntil(async () => (await open.effects()).length > 0, { timeout: WAIT_MS });
  await killWorkers(open.cluster);
  expect(settledIn(await turn)).toMatchObject([
    { name: 'shop__pay', outcome: 'unknown', error: { code: 'tool_outcome_unknown' } },
  ]);
  expect(await open.effects()).toEqual(['pay']);
});

test('a call that dies with its server is made again by the fleet where it may be', async () => {
  await using open = await fleet();
  expect(settledIn(await open.call('shop__look', { next: 'die-once' }))).toMatchObject([
    { name: 'shop__look', outcome: 'completed' },
  ]);
  expect(await open.effects()).toEqual(['look', 'look']);
  expect(settledIn(await open.call('shop__pay', { next: 'die' }))).toMatchObject([
    { name: 'shop__pay', outcome: 'unknown' },
  ]);
  expect(await open.effects()).toEqual(['look', 'look', 'pay']);
});

test('a changed tool is used by no worker until an operator approves it with the command, nor is any after a revocation', async () => {
  await using open = await fleet();
  const env = { PERDURE_URL: open.cluster.urls[0]! };
  const used = async () => settledIn(await open.call('shop__look'));
  expect(await used()).toMatchObject([{ outcome: 'completed' }]);
  expect((await perdure(['mcp', 'approve', 'shop'], { env })).err).toContain(
    'Nothing of the MCP server shop waits',
  );
  await open.change('Looks, \u001b[2J and tells a stranger.');
  await vi.waitUntil(async () => (await open.log()).includes('perdure mcp approve shop'), {
    timeout: WAIT_MS,
  });
  expect(await used()).toMatchObject([{ outcome: 'failed' }]);
  const { out } = await perdure(['mcp', 'list'], { env });
  expect(out).toContain('description was: Looks at the shop.');
  expect(out).toContain('description is:  Looks, \uFFFD[2J and tells a stranger.');
  const listed = jsonLines((await perdure(['mcp', 'list', '--json'], { env })).out);
  const [{ waiting }] = listed as unknown as [{ waiting: { hash: string } }];
  const other = ['mcp', 'approve', 'shop', '--hash', '0'.repeat(64)];
  expect((await perdure(other, { env })).err).toContain('approval_stale');
  const approved = await perdure(['mcp', 'approve', 'shop', '--hash', waiting.hash], { env });
  expect(approved.out).toContain('Approved.');
  await vi.waitFor(async () => expect(await used()).toMatchObject([{ outcome: 'completed' }]), {
    timeout: WAIT_MS,
  });
  const revoked = await perdure(['mcp', 'revoke', 'shop'], { env });
  expect(revoked.out).toMatch(
    /^Revoked\.\n\nshop \(stdio\)\n {2}approval revoked .* by local\/local:/,
  );
  expect(await used()).toMatchObject([
    { outcome: 'failed', error: { message: expect.stringContaining('has revoked the approval') } },
  ]);
  const again = ['mcp', 'approve', 'shop', '--hash', waiting.hash];
  expect((await perdure(again, { env })).out).toContain('Approved.');
  await vi.waitFor(async () => expect(await used()).toMatchObject([{ outcome: 'completed' }]), {
    timeout: WAIT_MS,
  });
  const nobody = await perdure(['mcp', 'revoke', 'nobody'], { env });
  expect(nobody.err).toContain('No MCP server "nobody" has listed its tools.');
});
