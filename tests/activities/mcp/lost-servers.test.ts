import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { mcpServerSchema } from '../../../contracts/mcp.ts';
import { freePort, portAnswers } from '../../../servers/child.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { mcpStage } from './mcp-stage.ts';
import type { McpStage } from './mcp-stage.ts';
import { EVERYTHING, httpShop, shop, stranger } from './servers.ts';

/** What took effect, in order: names, and the keys that came with them. */
async function effects(folder: string): Promise<readonly string[][]> {
  const text = await readFile(join(folder, 'calls'), 'utf8').catch(() => '');
  return text
    .split('\n')
    .filter(Boolean)
    .map((line) => line.split(' '));
}

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

interface Behind extends AsyncDisposable {
  readonly folder: string;
  readonly url: string;
  /** Starts the server once more. */
  start(): Promise<void>;
  readonly ended: () => boolean;
}

async function behindHttp(): Promise<Behind> {
  const folder = await temporaryFolder();
  const port = await freePort();
  let child: ReturnType<typeof spawn> | undefined;
  const start = async (): Promise<void> => {
    child = spawn(process.execPath, httpShop(folder.path, port), { stdio: 'inherit' });
    await vi.waitUntil(() => portAnswers(port), { timeout: 60_000, interval: 50 });
  };
  await start();
  return {
    folder: folder.path,
    url: `http://127.0.0.1:${port}/mcp`,
    start,
    ended: () => child?.exitCode !== null,
    [Symbol.asyncDispose]: async () => {
      child?.kill('SIGKILL');
      await folder[Symbol.asyncDispose]();
    },
  };
}

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
    const settings = mcpServerSchema.parse({ url: server.url, connectMs: 5_000 });
    await using stage = await mcpStage({ shop: settings });
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
        gone: stranger('dies-at-once', { connectMs: 500, env: { TOKEN: 'TOKEN' } }),
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
