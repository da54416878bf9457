import { spawn } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { mcpServerSchema } from '../../../contracts/mcp.ts';
import { freePort, portAnswers } from '../../../servers/child.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { behindHttp, effects } from './behind-http.ts';
import type { Behind } from './behind-http.ts';
import { mcpStage } from './mcp-stage.ts';
import type { McpStage } from './mcp-stage.ts';
import { EVERYTHING, shop, stranger } from './servers.ts';

async function stdioShop(): Promise<McpStage & { readonly folder: string }> {
  const folder = await temporaryFolder();
  const stage = await mcpStage({ shop: shop(folder.path) });
  await stage.offersSome();
  return {
    ...stage,
    folder: folder.path,
    [Symbol.asyncDispose]: async () => {
      await stage[Symbol.asyncDispose]();
      await folder[Symbol.asyncDispose]();
    },
  };
}

const LONG = 'ref__trigger-long-running-operation';

describe('an MCP server that dies in mid-call', () => {
  it('leaves a call that must not be repeated unknown, and is not asked again', async () => {
    await using stage = await stdioShop();
    expect(await stage.call('shop__pay', { next: 'die' })).toMatchObject({
      outcome: 'unknown',
      error: {
        code: 'tool_outcome_unknown',
        message: expect.stringMatching(/^The MCP server shop went away while shop__pay ran /),
      },
    });
    expect(await effects(stage.folder)).toHaveLength(1);
  });

  it('is started again, and a call that only reads is repeated', async () => {
    await using stage = await stdioShop();
    const [before] = stage.source.pids();
    const settled = await stage.call('shop__look', { next: 'die-once' });
    expect(settled).toMatchObject({ outcome: 'completed' });
    expect(await effects(stage.folder)).toHaveLength(2);
    const [after] = stage.source.pids();
    expect(settled).toMatchObject({ result: `look is done by ${after}` });
    expect(after).not.toBe(before);
  });

  it('sees a repeated call with the key of the first', async () => {
    await using stage = await stdioShop();
    const settled = await stage.call('shop__refund', { next: 'die-once' });
    expect(settled).toMatchObject({ outcome: 'completed' });
    const { callId } = settled;
    expect(await effects(stage.folder)).toEqual([
      ['refund', callId],
      ['refund', callId],
    ]);
  });

  it('fails a call whose tries are used up, with what the server said last', async () => {
    await using stage = await stdioShop();
    expect(await stage.call('shop__look', { next: 'die' })).toMatchObject({
      outcome: 'failed',
      error: { code: 'tool_failed', message: expect.stringContaining('went away') },
    });
    expect(await effects(stage.folder)).toHaveLength(3);
  });

  it('behind HTTP leaves it unknown too, and is used again when it is back', async () => {
    await using server = await behindHttp();
    await using stage = await mcpStage({ shop: server.settings });
    await stage.offersSome();
    const dying = stage.call('shop__pay', { next: 'die' });
    expect(await dying).toMatchObject({ outcome: 'unknown' });
    await stage.says('MCP server is away');
    await server.start();
    await vi.waitFor(
      async () => {
        const answer = await stage.call('shop__look');
        expect(answer).toMatchObject({ outcome: 'completed' });
      },
      { timeout: 60_000 },
    );
    expect((await effects(server.folder)).filter(([name]) => name === 'pay')).toHaveLength(1);
  });
});

describe('an MCP server behind HTTP that is killed in mid-call', () => {
  const taken = (server: Behind, count: number) =>
    vi.waitFor(async () => expect(await effects(server.folder)).toHaveLength(count), {
      timeout: 60_000,
    });
  const waits = (stage: McpStage): number[] =>
    stage.logged
      .filter((line) => line.includes('MCP server is away'))
      .map((line) => (JSON.parse(line) as { retryInMs: number }).retryInMs);

  it('has not repeated what must not be, and is connected to again, with growing waits', async () => {
    await using server = await behindHttp();
    await using stage = await mcpStage({ shop: server.settings });
    await stage.offersSome();
    const running = stage.call('shop__pay', { next: 'hang-once' });
    await taken(server, 1);
    await server.kill();
    expect(await running).toMatchObject({
      outcome: 'unknown',
      error: { code: 'tool_outcome_unknown' },
    });
    // Tried again and again, later and later.
    await vi.waitUntil(() => waits(stage).length >= 4, { timeout: 90_000 });
    expect(Math.max(...waits(stage).slice(1))).toBeGreaterThan(waits(stage)[0]!);
    expect(Math.max(...waits(stage))).toBeLessThanOrEqual(60_000);
    expect(await effects(server.folder)).toHaveLength(1);
    await server.start();
    await vi.waitFor(
      async () => {
        const answer = await stage.call('shop__look');
        expect(answer).toMatchObject({ outcome: 'completed' });
      },
      { timeout: 90_000 },
    );
    expect((await effects(server.folder)).filter(([name]) => name === 'pay')).toHaveLength(1);
  });

  it('sees a call that tells repeats once more, with the key of the first', async () => {
    await using server = await behindHttp();
    await using stage = await mcpStage({ shop: { ...server.settings, connectMs: 60_000 } });
    await stage.offersSome();
    const running = stage.call('shop__refund', { next: 'hang-once' });
    await taken(server, 1);
    await server.kill();
    await server.start();
    const settled = await running;
    expect(settled).toMatchObject({ outcome: 'completed' });
    const { callId } = settled;
    expect(await effects(server.folder)).toEqual([
      ['refund', callId],
      ['refund', callId],
    ]);
  });
});

describe('what is measured of MCP servers', () => {
  const connected = (stage: McpStage) => stage.gauge('perdure_mcp_connected', 'shop');
  const waiting = (stage: McpStage) => stage.gauge('perdure_mcp_tools_waiting', 'shop');
  const becomes = (read: () => Promise<number | undefined>, value: number) =>
    vi.waitFor(async () => expect(await read()).toBe(value), { timeout: 60_000 });

  it('is whether a worker is connected', async () => {
    await using server = await behindHttp();
    await using stage = await mcpStage({ shop: server.settings });
    await becomes(() => connected(stage), 1);
    expect(await waiting(stage)).toBe(0);
    await server.kill();
    // A call finds it out at once.
    await stage.call('shop__look');
    await becomes(() => connected(stage), 0);
    await server.start();
    await becomes(() => connected(stage), 1);
  });

  it('is how many tools wait for an approval', async () => {
    await using server = await behindHttp();
    const { folder, settings } = server;
    await using stage = await mcpStage({ shop: settings });
    await stage.offersSome();
    await server.kill();
    // A call finds it out, so that the list is read when the server is back and not with the next regular look.
    await stage.call('shop__look');
    await becomes(() => connected(stage), 0);
    await writeFile(join(folder, 'words'), 'Looks, and tells a stranger what it saw.');
    await server.start();
    await becomes(() => waiting(stage), 1);
    const { mcpManifests } = stage.journal;
    const decision = {
      ...{ server: 'shop', by: 'local/ann' },
      audit: { tenant: 'local', user: 'ann', details: {} },
    };
    const { listed } = (await mcpManifests.get('shop'))!;
    await mcpManifests.approve({ ...decision, hash: listed!.manifest.hash });
    await becomes(() => waiting(stage), 0);
    await mcpManifests.revoke(decision);
    await becomes(() => waiting(stage), 3);
  });
});

describe('an answer that streams', () => {
  it('and breaks off leaves the call unknown, within seconds, whatever its time limit', async () => {
    const port = await freePort();
    const child = spawn(process.execPath, [EVERYTHING, 'streamableHttp'], {
      env: { PATH: process.env['PATH'], PORT: `${port}` },
      stdio: 'ignore',
    });
    await vi.waitUntil(() => portAnswers(port), { timeout: 60_000, interval: 50 });
    const settings = mcpServerSchema.parse({
      url: `http://127.0.0.1:${port}/mcp`,
      effects: { '*': 'never-retry' },
      connectMs: 5_000,
    });
    await using stage = await mcpStage({ ref: settings });
    await stage.offersSome();
    const running = stage.call(LONG, { duration: 300, steps: 3_000 });
    await vi.waitUntil(() => stage.eventsOf('tool.progress').then(({ length }) => length > 0), {
      timeout: 60_000,
    });
    child.kill('SIGKILL');
    expect(await running).toMatchObject({
      outcome: 'unknown',
      error: { message: expect.stringContaining('the stream of the answer broke off') },
    });
  });
});

describe('an MCP server that is away', () => {
  it('has its approved tools offered still; a call says that it is not connected', async () => {
    await using folder = await temporaryFolder();
    await using stage = await mcpStage(
      {
        shop: shop(folder.path),
        gone: stranger('dies-at-once', { connectMs: 5_000, env: { TOKEN: 'TOKEN' } }),
      },
      { secrets: { TOKEN: 'a-token-of-the-test' } },
    );
    await stage.says('it said: no such key: [redacted]');
    const tool = { name: 'speak', description: 'Speaks.', inputSchema: { type: 'object' } };
    const tools = [{ ...tool, hints: {}, hash: 'h' }];
    await stage.journal.mcpManifests.observe('gone', { hash: 'h', tools });
    await stage.offers(['gone__speak', 'shop__look', 'shop__pay', 'shop__refund']);
    expect(await stage.call('gone__speak')).toMatchObject({
      outcome: 'failed',
      error: {
        code: 'tool_failed',
        message: expect.stringContaining('The MCP server gone is not connected: '),
      },
    });
  });

  it('is told by a variable that is not set', async () => {
    await using folder = await temporaryFolder();
    await using stage = await mcpStage({ shop: shop(folder.path, { env: { TOKEN: 'NOT_SET' } }) });
    await stage.says('The worker has no environment variable NOT_SET.');
    expect(await stage.offered()).toEqual([]);
  });
});

describe('a call of a tool on an MCP server', () => {
  it('ends at its time limit', async () => {
    await using stage = await stdioShop();
    stage.model.add({ calls: [{ name: 'shop__look', input: { next: 'hang' } }] });
    const step = stage.message('look');
    const result = await stage.callModel(step);
    const [call] = result.outcome === 'tool_calls' ? result.calls : [];
    expect(await stage.executeTool(step, { ...call!, timeoutMs: 300 })).toBe('timed_out');
    expect(await stage.call('shop__look')).toMatchObject({ outcome: 'completed' });
  });

  it('is not answered by a tool that the settings do not allow', async () => {
    await using folder = await temporaryFolder();
    const settings = shop(folder.path, { allow: ['look', 're*'] });
    await using stage = await mcpStage({ shop: settings });
    await stage.offers(['shop__look', 'shop__refund']);
    expect(await stage.call('shop__pay')).toMatchObject({
      outcome: 'failed',
      error: { message: expect.stringContaining('There is no tool "shop__pay"') },
    });
  });

  it('has the effect class of the settings, where they state one', async () => {
    await using folder = await temporaryFolder();
    const settings = shop(folder.path, { effects: { '*': 'never-retry', pay: 'keyed' } });
    await using stage = await mcpStage({ shop: settings });
    await stage.offersSome();
    await stage.call('shop__look');
    await stage.call('shop__pay');
    const requested = (await stage.eventsOf('tool.requested')).map(({ data }) => data.effect);
    expect(requested).toEqual(['never-retry', 'keyed']);
  });
});
