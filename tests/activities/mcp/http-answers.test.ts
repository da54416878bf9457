import { describe, expect, it, vi } from 'vitest';
import { bounded } from '../../../activities/tools/mcp/http-transport.ts';
import { mcpServerSchema } from '../../../contracts/mcp.ts';
import { ANSWERS, hostileServer, TELLS_ALL } from '../../support/mcp/hostile-http.ts';
import type { Answer } from '../../support/mcp/hostile-http.ts';
import { mcpStage } from './mcp-stage.ts';

const SECRETS = { TOKEN: 'a-token-of-the-test', WORD: 'a-word-of-the-test' };

async function met(answer: Answer) {
  const server = await hostileServer(answer);
  const settings = mcpServerSchema.parse({
    url: server.url,
    bearerEnv: 'TOKEN',
    headers: { 'x-word': 'WORD' },
    connectMs: 20_000,
  });
  const stage = await mcpStage({ odd: settings }, { secrets: SECRETS });
  await stage.offers(['odd__speak']);
  return {
    ...stage,
    server,
    [Symbol.asyncDispose]: async () => {
      await stage[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
    },
  };
}

describe('an MCP server behind HTTP that answers with', () => {
  it.each([
    'a body of 50 MB',
    'an event of 50 MB',
    'an event that never ends',
    'a gzip bomb',
    'a refusal of 50 MB',
  ] as const)('%s: it is read up to the limit, and the call is unknown', async (what) => {
    await using stage = await met(ANSWERS[what]);
    const settled = await stage.call('odd__speak');
    expect(settled).toMatchObject({
      outcome: 'unknown',
      error: {
        message: expect.stringMatching(
          /16777216 bytes|stream of the answer broke off|Error POSTing to endpoint/,
        ),
      },
    });
    expect(stage.server.calls()).toBe(1);
    // Nobody reads on.
    await vi.waitUntil(() => stage.server.open() === 0, { timeout: 60_000 });
  });

  it('comments without end: the call ends at its time limit, and nobody reads on', async () => {
    await using stage = await met(ANSWERS['comments without end']);
    stage.model.add({ calls: [{ name: 'odd__speak', input: {} }] });
    const step = stage.message('speak');
    const result = await stage.callModel(step);
    const [call] = result.outcome === 'tool_calls' ? result.calls : [];
    expect(await stage.executeTool(step, { ...call!, timeoutMs: 1_000 })).toBe('timed_out');
    await vi.waitUntil(() => stage.server.open() === 0, { timeout: 60_000 });
  });

  it('a complaint of 10 MB: as much is told as a person reads', async () => {
    await using stage = await met(ANSWERS['a complaint of 10 MB']);
    const settled = await stage.call('odd__speak');
    expect(settled).toMatchObject({ outcome: 'failed', error: { code: 'tool_failed' } });
    expect(JSON.stringify(settled).length).toBeLessThan(10_000);
    for (const line of stage.logged) expect(line.length).toBeLessThan(10_000);
  });

  it('a redirect elsewhere: it is not followed, and its headers reach nobody else', async () => {
    await using stage = await met(ANSWERS['a redirect elsewhere']);
    expect(await stage.call('odd__speak')).toMatchObject({
      outcome: 'failed',
      error: { message: expect.stringContaining('not followed') },
    });
    expect(stage.server.calls()).toBe(1);
    const hosts = new Set(stage.server.headers.map(({ host }) => host));
    expect([...hosts]).toEqual([new URL(stage.server.url).host]);
    for (const headers of stage.server.headers)
      expect(headers).toMatchObject({
        authorization: `Bearer ${SECRETS.TOKEN}`,
        'x-word': SECRETS.WORD,
      });
  });

  it('its secrets, in every place that it has: none of them is told', async () => {
    await using stage = await met(TELLS_ALL);
    const settled = await stage.call('odd__speak');
    expect(settled).toMatchObject({ outcome: 'completed' });
    const events = await stage.events();
    expect(events.map(({ type }) => type)).toContain('tool.progress');
    const told = JSON.stringify(events) + stage.logged.join('');
    expect(told).toContain('[redacted]');
    for (const secret of Object.values(SECRETS)) expect(told).not.toContain(secret);
  });

  it.each([401, 500])('an error %i that says its secrets: they are not told on', async (status) => {
    await using stage = await met(({ request, response }) => {
      const said = `${request.headers.authorization} ${String(request.headers['x-word'])}`;
      response.writeHead(status, { 'content-type': 'text/plain' }).end(`no: ${said}`);
    });
    expect(await stage.call('odd__speak')).toMatchObject({
      outcome: status === 401 ? 'failed' : 'unknown',
    });
    const told = JSON.stringify(await stage.events()) + stage.logged.join('');
    for (const secret of Object.values(SECRETS)) expect(told).not.toContain(secret);
  });
});

describe('an answer that streams', () => {
  const MIB = 1024 * 1024;
  const line = Buffer.from(`: ${'y'.repeat(MIB)}`);

  /** What comes through of 32 events of one MiB. */
  async function through(separator: readonly string[]): Promise<number> {
    const pieces = Array.from({ length: 32 }, () => [
      line,
      ...separator.map((each) => Buffer.from(each)),
    ]);
    let bytes = 0;
    for await (const chunk of ReadableStream.from(pieces.flat()).pipeThrough(bounded(true)))
      bytes += chunk.length;
    return bytes;
  }

  it.each([[['\n', '\n']], [['\r\n', '\r\n']], [['\r\n\r', '\n']], [['\r\r']], [['\n\n']]])(
    'has events that end wherever its pieces do: %j',
    async (separator) => {
      expect(await through(separator)).toBe(32 * (line.length + separator.join('').length));
    },
  );

  it('has no event of all its lines', async () => {
    await expect(through(['\n'])).rejects.toThrow('a message of more than 16777216 bytes');
  });
});
