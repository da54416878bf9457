import { describe, expect, it, vi } from 'vitest';
import type { McpServerSettings } from '../../../contracts/mcp.ts';
import { mcpStage } from './mcp-stage.ts';
import type { McpStage } from './mcp-stage.ts';
import { stranger } from './servers.ts';

const met = (how: string, more: Partial<McpServerSettings> = {}): Promise<McpStage> =>
  mcpStage({ odd: stranger(how, more) });

const SPOKEN = { outcome: 'completed', result: 'spoken' };

describe('an MCP server that behaves badly', () => {
  it('writes what is no message between its messages: they are left out', async () => {
    await using stage = await met('garbage');
    await stage.offers(['odd__speak']);
    expect(await stage.call('odd__speak')).toMatchObject(SPOKEN);
  });

  it.each([
    ['many-tools', 'it lists more than 256 tools'],
    ['large-list', 'its list of tools has more than 524288 bytes'],
    ['endless-pages', 'its list of tools has more than 50 pages'],
  ])('lists more than is taken (%s): it is not used at all', async (how, reason) => {
    await using stage = await met(how);
    expect(await stage.says('MCP server is away')).toContain(reason);
    expect(await stage.offered()).toEqual([]);
    expect(await stage.journal.mcpManifests.list()).toEqual([]);
  });

  it('lists tools that are refused, each with its reason, and the others are offered', async () => {
    await using stage = await met('bad-tools');
    await stage.offers([
      'odd__good',
      expect.stringMatching(/^odd__n{50}_[0-9a-f]{8}$/),
      'odd__talkative',
      'odd__with_dots',
    ]);
    const line = JSON.parse(await stage.says('has listed its tools')) as { refused: unknown[] };
    const refused = (name: unknown, reason: string) => ({
      name,
      reason: expect.stringContaining(reason) as string,
    });
    expect(line.refused).toEqual([
      refused('not-an-object', 'inputSchema.type'),
      refused('no-schema', 'inputSchema'),
      refused('', 'name'),
      refused('(without a name)', 'expected object'),
      refused('backtracks', 'inputSchema.properties.x.pattern "(?=a)b"'),
      refused('deep', 'inputSchema expected at most 64 levels'),
      refused('twice', 'another tool of the server has the same name'),
      refused('twice', 'another tool of the server has the same name'),
      refused('same.name', 'another tool of the server has the same name'),
      refused('same/name', 'another tool of the server has the same name'),
      refused('n'.repeat(128), 'its name is longer than 128 characters'),
    ]);
    const [row] = await stage.journal.mcpManifests.list();
    const talkative = row!.approved.tools.find(({ name }) => name === 'talkative');
    expect(talkative!.description).toHaveLength(4_000);
    expect(await stage.call('odd__with_dots')).toMatchObject(SPOKEN);
  });

  it('tells in its list what it was given in secret: it is taken out before anybody reads the list', async () => {
    const token = 'the-token-of-the-stranger';
    await using stage = await mcpStage(
      { odd: stranger('tells-token', { env: { TOKEN: 'ODD_TOKEN' } }) },
      { secrets: { ODD_TOKEN: token } },
    );
    await stage.offers(['odd__speak']);
    const [row] = await stage.journal.mcpManifests.list();
    expect(row!.approved.tools).toMatchObject([
      {
        description: 'Speaks with [redacted].',
        inputSchema: {
          description: '[redacted]',
          properties: { 'with-[redacted]': { enum: ['[redacted]'], default: '[redacted]' } },
        },
        outputSchema: { description: '[redacted]' },
      },
    ]);
    const line = JSON.parse(await stage.says('has listed its tools')) as { refused: unknown[] };
    expect(line.refused).toMatchObject([
      { name: 'speak-[redacted]', reason: expect.stringContaining('secret') },
      { name: 'malformed', reason: expect.stringContaining('inputSchema.type') },
    ]);
    expect(await stage.call('odd__speak')).toMatchObject({ outcome: 'completed' });
    expect(JSON.stringify([row, stage.logged])).not.toContain(token);
  });

  it('says nothing: it is away after its time to connect, and is tried again', async () => {
    await using stage = await met('silent', { connectMs: 500 });
    expect(await stage.says('MCP server is away')).toContain('it did not answer in 0.5 s');
    await vi.waitUntil(
      () => stage.logged.filter((line) => line.includes('MCP server is away')).length > 1,
      { timeout: 60_000 },
    );
  });

  it('does not answer what it does not know: it is spoken to in the older protocol', async () => {
    await using stage = await met('slow-to-probe', { connectMs: 5_000 });
    await stage.offers(['odd__speak']);
    expect(await stage.call('odd__speak')).toMatchObject(SPOKEN);
  });

  it('dies of what it does not know: the next time it is not asked', async () => {
    await using stage = await met('dies-when-probed');
    await stage.says('MCP server is away');
    await stage.offers(['odd__speak']);
    expect(await stage.call('odd__speak')).toMatchObject(SPOKEN);
  });

  it('floods its output: it is killed', async () => {
    await using stage = await met('flood');
    expect(await stage.says('MCP server is away')).toContain(
      'it sent a message of more than 16777216 bytes',
    );
  });

  it('answers with more than is taken: the call fails, the worker goes on', async () => {
    await using stage = await met('large-result', { effects: { '*': 'never-retry' } });
    await stage.offers(['odd__speak']);
    expect(await stage.call('odd__speak')).toMatchObject({ outcome: 'unknown' });
    await stage.says('it sent a message of more than 16777216 bytes');
  });

  it('complains at length: the model reads the beginning and the end', async () => {
    await using stage = await met('large-error');
    await stage.offers(['odd__speak']);
    const settled = await stage.call('odd__speak');
    expect(settled).toMatchObject({ outcome: 'failed', error: { code: 'tool_failed' } });
    expect(JSON.stringify(settled).length).toBeLessThan(10_000);
  });

  it('answers with hundreds of files and texts: the first are kept, and it is said how many are not', async () => {
    await using stage = await met('many-parts');
    await stage.offers(['odd__speak']);
    const settled = await stage.call('odd__speak');
    if (settled.outcome !== 'completed') throw new Error(settled.outcome);
    const parts = settled.result as { type: string; text?: string }[];
    // 40 of the server's, the beginnings of eight long texts beside their files, and what is left out.
    expect(parts).toHaveLength(40 + 8 + 1);
    expect(parts.at(-1)!.text).toBe('[360 more parts of the result were left out.]');
  });

  it('answers in no known form: the model is told', async () => {
    await using stage = await met('wrong-form');
    await stage.offers(['odd__speak']);
    expect(await stage.call('odd__speak')).toMatchObject({
      outcome: 'failed',
      error: {
        code: 'tool_failed',
        message: expect.stringContaining('The MCP server odd answered'),
      },
    });
  });

  it('asks for a model, which it is not given', async () => {
    await using stage = await met('asks-back');
    await stage.offers(['odd__speak']);
    expect(await stage.call('odd__speak')).toMatchObject(SPOKEN);
  });

  it('stays when it is asked to end: it is killed, with what it has started', async () => {
    const stage = await met('stays');
    await stage.offers(['odd__speak']);
    const pids = [
      ...stage.source.pids(),
      Number(/child (\d+)/.exec(await stage.says('child '))![1]),
    ];
    expect(pids.map(isThere)).toEqual([true, true]);
    await stage[Symbol.asyncDispose]();
    await vi.waitUntil(() => !pids.some(isThere), { timeout: 60_000 });
  });
});

function isThere(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
