import { describe, expect, it } from 'vitest';
import { checkTool } from '../../activities/tools/defined/check.ts';
import { defineTool, ToolError, z } from '../../activities/tools/defined/index.ts';
import type { ToolContext, ToolOptions } from '../../activities/tools/defined/index.ts';
import { definedWorkerTool } from '../../activities/tools/defined/worker-tool.ts';
import { newId } from '../../contracts/ids.ts';

const base = {
  name: 'pay',
  description: 'Pays.',
  input: { type: 'object', properties: { amount: { type: 'number' } } },
  execute: () => 'paid',
} satisfies ToolOptions;

const problemsOf = (change: object) => checkTool({ ...base, ...change }).problems;

const logged: string[] = [];
const line = (level: string) => (fields: object, message: string) =>
  void logged.push(JSON.stringify({ level, message, ...fields }));
const log = { debug: line('debug'), info: line('info'), warn: line('warn'), error: line('error') };
const SECRETS: Record<string, string> = { TOKEN: 'hush-hush-"42"', OTHER: 'not-declared' };

function runOf(options: object, input: unknown = {}) {
  const { tool, problems } = checkTool({ ...base, ...options });
  if (!tool) throw new Error(problems.join('; '));
  const worker = definedWorkerTool(tool, { log, secrets: (name) => SECRETS[name] });
  const told: [string, number | undefined][] = [];
  const run = {
    sessionId: newId('ses'),
    callId: newId('call'),
    name: tool.name,
    input,
    workspace: '/work',
    signal: new AbortController().signal,
    progress: (message: string, fraction?: number) => void told.push([message, fraction]),
  };
  return { worker, run, told, result: () => worker.execute(run) };
}

describe('a definition', () => {
  it('is sound with a name, a description, an input and a function; it is never run twice unless it says so', () => {
    expect(checkTool(base).tool).toMatchObject({ name: 'pay', effect: 'never-retry', secrets: [] });
  });

  it('is refused with every problem', () => {
    expect(problemsOf({ name: '1st', effect: 'maybe', execute: 'soon', timeoutMs: 5 })).toEqual([
      expect.stringMatching(/^name: expected a letter/),
      expect.stringMatching(/^effect: .*"read"/),
      expect.stringMatching(/^timeoutMs: /),
      'execute: expected a function',
    ]);
  });

  it.each([
    [{ description: undefined }, /^description: is missing/],
    [{ name: 'github__pay' }, /^name: expected no "__"/],
    [{ colour: 'red' }, /"colour"/],
    [{ secrets: ['sk-live-123'] }, /^secrets\.0: expected the name of an environment variable/],
    [{ input: z.string() }, /^input: expected the schema of an object/],
    [{ input: z.object({ when: z.date() }) }, /^input: cannot be said in JSON Schema/],
    [{ input: { type: 'object', properties: { a: { type: 'text' } } } }, /^input\.properties\.a/],
    [{ output: { pattern: '(?=x)' } }, /^output\.pattern: /],
    [{ input: { safeParse: () => undefined } }, /^input: is a schema of zod 3/],
    [{ effect: 'read', probe: () => 'unknown' }, /^probe: only a never-retry tool/],
  ])('with %o is refused in words that name the field', (change, words) => {
    expect(problemsOf(change)).toEqual([expect.stringMatching(words)]);
  });

  it("may use zod's own patterns, which look around: zod checks them", async () => {
    const input = z.object({ to: z.email() });
    expect(problemsOf({ input })).toBeUndefined();
    await expect(runOf({ input }, { to: 'nobody' }).result()).rejects.toMatchObject({
      code: 'tool_failed',
      message: expect.stringMatching(/^Invalid arguments for pay: to: /) as string,
    });
  });

  it('gives its function the types of its schema', () => {
    const tool = defineTool({
      ...{ name: 'a', description: 'b' },
      input: z.object({ count: z.number().default(1) }),
      execute: ({ count }, { idempotencyKey }) => `${count.toFixed(2)} ${idempotencyKey.length}`,
    });
    expect(checkTool(tool.options).problems).toBeUndefined();
  });
});

describe('a tool of the user', () => {
  it('gets what its schema makes of the arguments', async () => {
    const input = z.object({ count: z.number().default(3), name: z.string().toUpperCase() });
    const execute = (given: unknown) => given;
    expect(await runOf({ input, execute }, { name: 'ada' }).result()).toEqual({
      count: 3,
      name: 'ADA',
    });
  });

  it('knows its call: the key of a repeat, the workspace, and how to tell its progress', async () => {
    const seen: ToolContext[] = [];
    const { run, told, result } = runOf({
      execute: (_: unknown, context: ToolContext) => {
        seen.push(context);
        context.progress('half', 0.5);
        context.progress(7 as never);
        context.log.info('working', { step: 1 });
      },
    });
    await result();
    expect(seen[0]).toMatchObject({ idempotencyKey: run.callId, workspace: '/work' });
    expect(told).toEqual([
      ['half', 0.5],
      ['7', undefined],
    ]);
    expect(logged.at(-1)).toContain(run.callId);
  });

  it('reads the secrets that it declares, and no others', async () => {
    const reading = (name: string) => ({
      secrets: ['TOKEN', 'UNSET'],
      execute: (_: unknown, { secret }: ToolContext) => secret(name).length,
    });
    expect(await runOf(reading('TOKEN')).result()).toBe(14);
    await expect(runOf(reading('OTHER')).result()).rejects.toMatchObject({ code: 'tool_failed' });
    await expect(runOf(reading('UNSET')).result()).rejects.toMatchObject({
      message: 'UNSET is not set for this worker.',
    });
  });

  it('shows no secret: not in its result, its errors, its progress or its log', async () => {
    const secrets = ['TOKEN'];
    const leak = SECRETS['TOKEN']!;
    const { result, told } = runOf({
      secrets,
      execute: (_: unknown, { progress, log: say }: ToolContext) => {
        progress(`with ${leak}`);
        say.warn(`with ${leak}`, { token: leak });
        return { header: `Bearer ${leak}`, list: [leak] };
      },
    });
    const shown = [JSON.stringify(await result()), JSON.stringify(told), logged.at(-1)];
    for (const text of shown) {
      expect(text).toContain('[redacted]');
      expect(text).not.toContain('hush');
    }
    for (const error of [new Error(`no ${leak}`), new ToolError(`no ${leak}`), `no ${leak}`]) {
      const failing = runOf({ secrets, execute: () => Promise.reject(error) });
      const thrown = await failing.result().catch((it: unknown) => it as Error);
      expect(String((thrown as Error).stack ?? thrown)).not.toContain('hush');
      expect(String(thrown)).toContain('no [redacted]');
    }
  });

  it('fails for good with a ToolError, and with anything else as a fault', async () => {
    const good = runOf({ execute: () => Promise.reject(new ToolError('No such account.')) });
    await expect(good.result()).rejects.toMatchObject({ code: 'tool_failed' });
    const fault = runOf({ execute: () => Promise.reject(new TypeError('fetch failed')) });
    await expect(fault.result()).rejects.toMatchObject({ name: 'TypeError' });
  });

  it('answers a probe with what it finds, and nothing else', async () => {
    const seen: unknown[] = [];
    const { worker, run } = runOf(
      {
        probe: (callId: string, { input }: { input: unknown }) => {
          seen.push(callId, input);
          return { happened: true, result: 'receipt' };
        },
      },
      { amount: 1 },
    );
    expect(await worker.probe?.(run)).toEqual({ happened: true, result: 'receipt' });
    expect(seen).toEqual([run.callId, { amount: 1 }]);
    const wrong = runOf({ probe: () => 'perhaps' });
    await expect(wrong.worker.probe?.(wrong.run)).rejects.toThrow('The probe must answer');
  });
});
