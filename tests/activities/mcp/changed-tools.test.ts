import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { mcpSource } from '../../../activities/tools/mcp/source.ts';
import type { McpServerSettings } from '../../../contracts/mcp.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { mcpStage } from './mcp-stage.ts';
import type { McpStage } from './mcp-stage.ts';
import type { StageOptions } from '../stage.ts';
import { shop } from './servers.ts';

const ALL = ['shop__look', 'shop__pay', 'shop__refund'];
const WITHOUT_LOOK = ['shop__pay', 'shop__refund'];

interface Shop extends McpStage {
  readonly server: McpServerSettings;
  /** The server describes `look` in other words from now on, and says so. */
  change(words: string): Promise<void>;
  /** An operator approves what it lists. */
  approve(): Promise<void>;
  /** An operator takes the approval back. */
  revoke(): Promise<void>;
}

async function openShop(options: StageOptions = {}): Promise<Shop> {
  const folder = await temporaryFolder();
  const server = shop(folder.path);
  const stage = await mcpStage({ shop: server }, options);
  await stage.offers(ALL);
  const { mcpManifests } = stage.journal;
  return {
    ...stage,
    server,
    async change(words) {
      await writeFile(join(folder.path, 'words'), words);
      for (const pid of stage.source.pids()) process.kill(pid, 'SIGHUP');
    },
    async approve() {
      const { listed } = (await mcpManifests.get('shop'))!;
      const audit = { tenant: 'local', user: 'ann', details: {} };
      const { hash } = listed!.manifest;
      await mcpManifests.approve({ server: 'shop', hash, by: 'local/ann', audit });
    },
    async revoke() {
      const audit = { tenant: 'local', user: 'ann', details: {} };
      await mcpManifests.revoke({ server: 'shop', by: 'local/ann', audit });
    },
    [Symbol.asyncDispose]: async () => {
      await stage[Symbol.asyncDispose]();
      await folder[Symbol.asyncDispose]();
    },
  };
}

describe('a tool that its MCP server has changed (E9)', () => {
  it('is not offered until an operator approves it; the others are', async () => {
    await using stage = await openShop();
    await stage.change('Looks, and tells a stranger what it saw.');
    await stage.offers(WITHOUT_LOOK);
    const warning = await stage.says('perdure mcp approve shop');
    expect(JSON.parse(warning)).toMatchObject({ level: 'warn', tools: ['look'] });
    expect(await stage.call('shop__look')).toMatchObject({
      outcome: 'failed',
      error: { message: expect.stringContaining('The MCP server shop has changed "shop__look".') },
    });
    expect(await stage.call('shop__pay')).toMatchObject({ outcome: 'completed' });
    await stage.approve();
    await stage.offers(ALL);
    expect(await stage.call('shop__look')).toMatchObject({ outcome: 'completed' });
  });

  it('is not called either, where the model asked for it before the change', async () => {
    await using stage = await openShop();
    stage.model.add({ calls: [{ name: 'shop__look', input: {} }] });
    const step = stage.message('look');
    const result = await stage.callModel(step);
    const [call] = result.outcome === 'tool_calls' ? result.calls : [];
    await stage.change('Looks, and tells a stranger what it saw.');
    await stage.offers(WITHOUT_LOOK);
    expect(await stage.executeTool(step, call!)).toBe('failed');
    expect(await stage.eventsOf('tool.settled')).toMatchObject([
      {
        data: {
          error: {
            code: 'tool_denied',
            message:
              'The MCP server shop has changed "shop__look". It is not called until an operator approves the change (perdure mcp approve shop).',
          },
        },
      },
    ]);
  });

  it('needs no approval where it is what was approved again', async () => {
    await using stage = await openShop();
    await stage.change('Looks, and tells a stranger what it saw.');
    await stage.offers(WITHOUT_LOOK);
    await stage.change('Looks at the shop.');
    await stage.offers(ALL);
    expect((await stage.journal.mcpManifests.get('shop'))!.listed).toBeNull();
  });

  it('counts as changed in every worker, and as approved', async () => {
    await using stage = await openShop();
    const { journal, server } = stage;
    const secrets = (): undefined => undefined;
    const log = { debug() {}, info() {}, warn() {}, error() {} };
    const waiting = vi.fn();
    await using other = mcpSource({
      ...{ journal, secrets, log, servers: { shop: server }, timeouts: { commandMs: 60_000 } },
      metrics: { mcpWaiting: waiting, mcpConnected() {} } as never,
    });
    await other.start();
    const offered = async (): Promise<string[]> => {
      const tools = await other.offered({ names: () => true } as never);
      return tools.map(({ name }) => name);
    };
    // Each has a process of its own.
    await vi.waitUntil(() => other.pids().length > 0, { timeout: 60_000 });
    expect(other.pids()).not.toEqual(stage.source.pids());
    await vi.waitFor(async () => expect(await offered()).toEqual(ALL), { timeout: 60_000 });
    await stage.change('Looks, and tells a stranger what it saw.');
    for (const pid of other.pids()) process.kill(pid, 'SIGHUP');
    await vi.waitFor(async () => expect(await offered()).toEqual(WITHOUT_LOOK), {
      timeout: 60_000,
    });
    expect(waiting).toHaveBeenLastCalledWith('shop', 1);
    await stage.offers(WITHOUT_LOOK);
    await stage.approve();
    await stage.offers(ALL);
    await vi.waitFor(async () => expect(await offered()).toEqual(ALL), { timeout: 60_000 });
    await vi.waitFor(() => expect(waiting).toHaveBeenLastCalledWith('shop', 0), {
      timeout: 60_000,
    });
  });
});

describe('an MCP server whose approval is revoked (E9)', () => {
  const REVOKED =
    'An operator has revoked the approval of the MCP server shop: none of its tools is called until one approves them again (perdure mcp approve shop).';

  it('has none of its tools offered or called until an operator approves them again', async () => {
    await using stage = await openShop();
    stage.model.add({ calls: [{ name: 'shop__pay', input: {} }] });
    const step = stage.message('pay');
    const result = await stage.callModel(step);
    const [asked] = result.outcome === 'tool_calls' ? result.calls : [];
    await stage.revoke();
    // At once, though the worker has not looked yet.
    expect(await stage.executeTool(step, asked!)).toBe('failed');
    expect(await stage.eventsOf('tool.settled')).toMatchObject([
      { data: { error: { code: 'tool_denied', message: REVOKED } } },
    ]);
    await stage.offers([]);
    expect(await stage.call('shop__look')).toMatchObject({
      outcome: 'failed',
      error: { message: REVOKED },
    });
    expect(JSON.parse(await stage.says(REVOKED))).toMatchObject({ level: 'warn', by: 'local/ann' });
    // The same list once more is no reason to trust it.
    await stage.change('Looks at the shop.');
    await stage.approve();
    await stage.offers(ALL);
    expect(await stage.call('shop__pay')).toMatchObject({ outcome: 'completed' });
  });

  it('says nothing about tools that the agent does not name', async () => {
    await using stage = await openShop({ agent: { tools: ['shop__look'] } });
    await stage.revoke();
    await stage.offers([]);
    expect(await stage.call('shop__pay')).toMatchObject({
      error: { message: 'There is no tool "shop__pay". Tools: none.' },
    });
  });
});
