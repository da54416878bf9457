import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { mcpServerSchema } from '../../contracts/mcp.ts';
import type { McpManifest } from '../../contracts/mcp.ts';
import { startFixture } from './support/fixture.ts';
import type { Fixture } from './support/fixture.ts';

const manifest = (digit: string, description: string): McpManifest => ({
  hash: digit.repeat(64),
  tools: [
    { name: 'echo', description, inputSchema: { type: 'object' }, hints: {}, hash: digit },
    { name: 'same', description: 'x', inputSchema: { type: 'object' }, hints: {}, hash: 's' },
  ],
});

let product: Fixture;
beforeAll(async () => {
  const settings = {
    mcpServers: {
      files: mcpServerSchema.parse({ command: 'files' }),
      idle: mcpServerSchema.parse({ url: 'http://127.0.0.1:9/mcp', enabled: false }),
    },
  };
  product = await startFixture({ settings, worker: false });
});
afterAll(() => product[Symbol.asyncDispose]());

const approve = (server: string, hash: string, key?: string) =>
  product.send('POST', `/api/mcp-servers/${server}/approval`, { body: { hash }, key });
const revoke = (server: string, key?: string) =>
  product.send('DELETE', `/api/mcp-servers/${server}/approval`, { key });
const list = async (key?: string) =>
  (await product.send('GET', '/api/mcp-servers', { key })).body as unknown as {
    servers: unknown[];
  };

describe('MCP servers in the API (E9)', () => {
  it('are listed with what is approved and what waits, and approved by the hash that was looked at', async () => {
    const { mcpManifests } = product.journal;
    const idle = { server: 'idle', transport: 'http', enabled: false };
    const never = { approved: null, revoked: null, waiting: null };
    expect(await list()).toEqual({
      servers: [
        { server: 'files', transport: 'stdio', enabled: true, ...never },
        { ...idle, ...never },
      ],
    });
    await mcpManifests.observe('files', manifest('a', 'Says it.'));
    await mcpManifests.observe('files', manifest('b', 'Says it to all.'));
    expect((await list()).servers[0]).toMatchObject({
      approved: { hash: 'a'.repeat(64), by: null, tools: ['echo', 'same'] },
      waiting: {
        hash: 'b'.repeat(64),
        added: [],
        removed: [],
        changed: [
          { before: { description: 'Says it.' }, after: { description: 'Says it to all.' } },
        ],
      },
    });
    const stale = await approve('files', 'c'.repeat(64));
    expect([stale.status, stale.body.code]).toEqual([409, 'approval_stale']);
    const done = await approve('files', 'b'.repeat(64));
    expect(done.body).toMatchObject({
      approved: { hash: 'b'.repeat(64), by: 'local/local' },
      waiting: null,
    });
    expect((await approve('files', 'b'.repeat(64))).body).toEqual(done.body);
    const { items } = (await product.send('GET', '/api/audit')).body;
    expect(items.map(({ action }) => action)).toEqual(['mcp.approved', 'mcp.pinned']);
  });

  it('have their approval taken back, once, and given again', async () => {
    await product.journal.mcpManifests.observe('files', manifest('b', 'Says it to all.'));
    const before = await revoke('files');
    expect(before.body).toMatchObject({
      approved: null,
      revoked: { by: 'local/local' },
      waiting: {
        hash: 'b'.repeat(64),
        added: [{ name: 'echo' }, { name: 'same' }],
        changed: [],
        removed: [],
      },
    });
    expect((await revoke('files')).body).toEqual(before.body);
    expect((await list()).servers[0]).toEqual(before.body);
    const nothing = await approve('files', '0'.repeat(64));
    expect([nothing.status, nothing.body.code]).toEqual([409, 'approval_stale']);
    expect((await approve('files', 'b'.repeat(64))).body).toMatchObject({
      approved: { hash: 'b'.repeat(64), tools: ['echo', 'same'] },
      revoked: null,
      waiting: null,
    });
    const { items } = (await product.send('GET', '/api/audit')).body;
    expect(items.map(({ action }) => action).slice(0, 2)).toEqual(['mcp.approved', 'mcp.revoked']);
  });

  it('that have listed nothing, or are in no settings, cannot be approved, nor revoked', async () => {
    for (const server of ['idle', 'nowhere']) {
      for (const { status, body } of [await approve(server, 'a'.repeat(64)), await revoke(server)])
        expect([status, body.code]).toEqual([404, 'not_found']);
    }
    const wrong = await approve('files', 'short');
    expect([wrong.status, wrong.body.code, wrong.body.field]).toEqual([
      400,
      'invalid_input',
      'hash',
    ]);
  });

  it("belong to the installation: another tenant's operator sees, approves and revokes none", async () => {
    const key = await product.key('acme', 'olga', 'operator');
    expect(await list(key)).toEqual({ servers: [] });
    expect((await approve('files', 'a'.repeat(64), key)).body.code).toBe('not_found');
    expect((await revoke('files', key)).body.code).toBe('not_found');
  });
});
