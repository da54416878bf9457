import { spawn } from 'node:child_process';
import { describe, expect, it, vi } from 'vitest';
import { mcpServerSchema } from '../../../contracts/mcp.ts';
import type { McpServerSettings } from '../../../contracts/mcp.ts';
import { freePort, portAnswers } from '../../../servers/child.ts';
import { mcpStage } from './mcp-stage.ts';
import { EVERYTHING, everything } from './servers.ts';

const SECRETS = { GREETING_TOKEN: 'a-token-of-the-test' };

interface Reached extends AsyncDisposable {
  readonly server: McpServerSettings;
}

async function overStdio(): Promise<Reached> {
  const server = everything({ env: { GREETING: 'GREETING_TOKEN' } });
  return { server, [Symbol.asyncDispose]: async () => {} };
}

async function overHttp(): Promise<Reached> {
  const port = await freePort();
  const child = spawn(process.execPath, [EVERYTHING, 'streamableHttp'], {
    env: { PATH: process.env['PATH'], PORT: `${port}`, GREETING: SECRETS.GREETING_TOKEN },
    stdio: 'ignore',
  });
  await vi.waitUntil(() => portAnswers(port), { timeout: 60_000, interval: 100 });
  return {
    server: mcpServerSchema.parse({
      url: `http://127.0.0.1:${port}/mcp`,
      bearerEnv: 'GREETING_TOKEN',
    }),
    [Symbol.asyncDispose]: async () => void child.kill('SIGKILL'),
  };
}

describe.each([
  ['its standard input and output', overStdio],
  ['Streamable HTTP', overHttp],
] as const)('the reference server over %s (E9)', (_, reach) => {
  it('offers its tools under its name, with the effects that its hints say', async () => {
    await using reached = await reach();
    await using stage = await mcpStage({ ref: reached.server }, { secrets: SECRETS });
    const names = await stage.offersSome();
    expect(names).toEqual(names.toSorted());
    expect(names).toEqual(expect.arrayContaining(['ref__echo', 'ref__get-sum']));
    await stage.call('ref__echo', { message: 'hello' });
    const effects = (await stage.eventsOf('tool.requested')).map(({ data }) => data);
    expect(effects).toMatchObject([{ name: 'ref__echo', mode: 'mcp', effect: 'read' }]);
    expect(stage.model.requests[0]!.tools).toEqual(names);
    expect(stage.logged.filter((line) => line.includes('"level":"warn"'))).toEqual([]);
    // What needs more of a client than a call is not there to be called.
    const { refused } = JSON.parse(await stage.says('simulate-research-query')) as {
      refused: unknown[];
    };
    expect(refused).toEqual([
      { name: 'simulate-research-query', reason: expect.stringContaining('as a task only') },
    ]);
    for (const wanting of ['elicitation', 'sampling', 'roots', 'research'])
      expect(names.join()).not.toContain(wanting);
  });

  it('answers with text, JSON, images and links', async () => {
    await using reached = await reach();
    await using stage = await mcpStage({ ref: reached.server }, { secrets: SECRETS });
    await stage.offersSome();
    expect(await stage.call('ref__echo', { message: 'hello' })).toMatchObject({
      outcome: 'completed',
      result: 'Echo: hello',
    });
    expect(await stage.call('ref__get-structured-content', { location: 'Chicago' })).toMatchObject({
      result: { temperature: 36, conditions: 'Light rain / drizzle', humidity: 82 },
    });
    const image = await stage.call('ref__get-tiny-image');
    const part = { type: 'artifact', mediaType: 'image/png', artifact: expect.any(String) };
    expect(image).toMatchObject({ result: [{ type: 'text' }, part, { type: 'text' }] });
    const { result } = image as unknown as { result: { artifact: string; bytes: number }[] };
    const stored = await stage.journal.artifacts.get('acme', result[1]!.artifact);
    expect(stored!.bytes.length).toBe(result[1]!.bytes);
    const links = await stage.call('ref__get-resource-links', { count: 2 });
    expect(links).toMatchObject({ result: expect.stringContaining('](demo://resource/') });
    for (const [resourceType, says] of [
      ['Text', 'This is a plaintext resource'],
      ['Blob', 'This is a base64 blob'],
    ] as const)
      expect(
        await stage.call('ref__get-resource-reference', { resourceType, resourceId: 1 }),
      ).toMatchObject({ result: expect.stringContaining(says) });
    const archive = { name: 'x.gz', data: 'data:text/plain,hello', outputType: 'resource' };
    expect(await stage.call('ref__gzip-file-as-resource', archive)).toMatchObject({
      result: [{ type: 'artifact', mediaType: 'application/gzip', name: 'x.gz' }],
    });
    await stage.call('ref__trigger-long-running-operation', { duration: 1, steps: 2 });
    expect((await stage.eventsOf('tool.progress')).length).toBeGreaterThan(0);
  });

  it('has arguments checked before it is asked, and its own complaints told to the model', async () => {
    await using reached = await reach();
    await using stage = await mcpStage({ ref: reached.server }, { secrets: SECRETS });
    await stage.offersSome();
    expect(await stage.call('ref__get-sum', { a: 1 })).toMatchObject({
      outcome: 'failed',
      error: {
        code: 'tool_failed',
        message: "Invalid arguments for ref__get-sum: arguments must have required property 'b'.",
      },
    });
    const refused = await stage.call('ref__get-resource-reference', {
      resourceType: 'Text',
      resourceId: -1,
    });
    expect(refused).toMatchObject({ outcome: 'failed', error: { code: 'tool_failed' } });
  });

  it('tells nobody the secrets that it was given, though it tries', async () => {
    await using reached = await reach();
    await using stage = await mcpStage({ ref: reached.server }, { secrets: SECRETS });
    await stage.offersSome();
    const told = await stage.call('ref__get-env');
    expect(told).toMatchObject({ result: expect.stringContaining('"GREETING": "[redacted]"') });
    const all = JSON.stringify(await stage.events()) + stage.logged.join('');
    expect(all).not.toContain(SECRETS.GREETING_TOKEN);
  });
});
