// What `perdure doctor` says of MCP servers, without starting one.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { mcpServerSchema } from '../../contracts/mcp.ts';
import type { McpManifest } from '../../contracts/mcp.ts';
import { startFixture } from '../api/support/fixture.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { jsonLines, perdure } from './command.ts';

/** Each question is a process of its own. */
vi.setConfig({ testTimeout: 240_000 });

interface Finding {
  readonly check: string;
  readonly status: string;
  readonly detail: string;
  readonly mend?: string;
}

async function findings(servers: object, env: Record<string, string> = {}): Promise<Finding[]> {
  await using folder = await temporaryFolder();
  const settings = join(folder.path, 'perdure.yaml');
  await writeFile(settings, JSON.stringify({ mcpServers: servers }));
  const at = { PERDURE_CONFIG: settings, PERDURE_HOME: folder.path, ...env };
  const { out } = await perdure(['doctor', '--json'], { env: at });
  const all = jsonLines(out) as unknown as Finding[];
  return all.filter(({ check }) => check.startsWith('MCP server'));
}

const manifest = (digit: string, description: string): McpManifest => ({
  hash: digit.repeat(64),
  tools: [{ name: 'echo', description, inputSchema: { type: 'object' }, hints: {}, hash: digit }],
});

describe('perdure doctor on MCP servers', () => {
  it('finds programs that are missing and variables that are not set, and starts nothing', async () => {
    await using folder = await temporaryFolder();
    const file = join(folder.path, 'no-program');
    await writeFile(file, 'echo started', { mode: 0o644 });
    const found = await findings(
      {
        there: { command: process.execPath },
        missing: { command: 'no-such-mcp-server' },
        unusable: { command: file },
        unset: { command: process.execPath, env: { KEY: 'NO_SUCH_KEY', OTHER: 'SET_KEY' } },
        bearer: { url: 'http://127.0.0.1:9/mcp', bearerEnv: 'NO_SUCH_TOKEN' },
        headers: { url: 'http://127.0.0.1:9/mcp', headers: { 'x-key': 'SET_KEY' } },
        off: { command: 'no-such-mcp-server', enabled: false },
      },
      { SET_KEY: 'a-value-of-the-test' },
    );
    expect(found.map(({ check, status, detail }) => `${status} ${check}: ${detail}`)).toEqual([
      `ok MCP server there: ${process.execPath}`,
      'problem MCP server missing: there is no program "no-such-mcp-server"',
      `problem MCP server unusable: there is no program "${file}"`,
      'problem MCP server unset: not set: NO_SUCH_KEY',
      'problem MCP server bearer: not set: NO_SUCH_TOKEN',
      'ok MCP server headers: http://127.0.0.1:9/mcp',
    ]);
    for (const { status, mend } of found) if (status === 'problem') expect(mend).toBeTruthy();
    expect(JSON.stringify(found)).not.toContain('a-value-of-the-test');
  });

  it('warns of changed tools and of revoked approvals, as a running Perdure knows them', async () => {
    await using product = await startFixture({
      settings: { mcpServers: { files: mcpServerSchema.parse({ command: 'files' }) } },
      worker: false,
    });
    const { mcpManifests } = product.journal;
    const port = new URL(product.url).port;
    const seen = async (): Promise<Finding[]> =>
      (await findings({ files: { command: process.execPath } }, { PERDURE_API_PORT: port })).slice(
        1,
      );
    await mcpManifests.observe('files', manifest('a', 'Says it.'));
    expect(await seen()).toEqual([]);
    await mcpManifests.observe('files', manifest('b', 'Says it to all.'));
    expect(await seen()).toEqual([
      {
        check: 'MCP server files',
        status: 'warning',
        detail: 'lists new or changed tools, which are not offered',
        mend: 'Look at them with `npx perdure mcp list`, then run `npx perdure mcp approve files`.',
      },
    ]);
    const audit = { tenant: 'local', user: 'ann', details: {} };
    await mcpManifests.revoke({ server: 'files', by: 'local/ann', audit });
    expect(await seen()).toMatchObject([
      {
        status: 'warning',
        detail: 'its approval was revoked by local/ann: none of its tools is offered',
      },
    ]);
  });
});
