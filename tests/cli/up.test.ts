import { createServer } from 'node:http';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { MALLOC_SETTINGS } from '../../cli/up/malloc.ts';
import { startModelServer } from '../support/model-server.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { Up, ask, childrenOf, isRunning, place, post } from './up-process.ts';

const READY = 'Perdure is running.';
const SEVERAL_STARTS_MS = 480_000;
const SOON = { timeout: 120_000 };

/** JSON is YAML. */
const slowModel = (url: string): string =>
  JSON.stringify({
    providers: { fake: { kind: 'openai-compatible', baseUrl: `${url}/v1` } },
    models: { fake: { provider: 'fake', model: 'fake-1', maxOutputTokens: 20_000 } },
    defaultModel: 'fake',
    worker: { drainMs: 600_000 },
  });

describe('perdure up', { timeout: SEVERAL_STARTS_MS }, () => {
  it('starts everything, says where it is, answers, stops without leaving a process, and finds its sessions again', async () => {
    await using folder = await temporaryFolder();
    const where = await place(folder.path);
    let sessionId: string;
    {
      await using up = new Up(where);
      await up.says(READY);
      expect(up.output).toContain(`API          ${where.url}`);
      expect(up.output).toContain(`API docs     ${where.url}/api/docs`);
      expect(up.output).toContain(where.env['PERDURE_TEMPORAL_UI_PORT']);
      expect(up.output).toContain('a script, not an AI');
      expect(up.output).toContain('npx perdure chat');
      const asked = await ask(where.url, 'hello');
      expect(asked.reply).toContain('hello');
      sessionId = asked.sessionId;
      const children = childrenOf(where);
      expect([isRunning(children.perdure), isRunning(children.temporal)]).toEqual([true, true]);
      if (process.platform === 'linux')
        expect(readFileSync(`/proc/${children.perdure}/environ`, 'utf8').split('\0')).toEqual(
          expect.arrayContaining(Object.entries(MALLOC_SETTINGS).map((pair) => pair.join('='))),
        );
      expect(await up.end('SIGINT')).toBe(0);
      expect([isRunning(children.perdure), isRunning(children.temporal)]).toEqual([false, false]);
      expect(up.output).toContain('the next start goes on');
    }
    await using again = new Up(where);
    await again.says(READY);
    const url = `${where.url}/api/sessions/${sessionId}`;
    const transcript = JSON.stringify(await (await fetch(`${url}/transcript`)).json());
    expect(transcript).toContain('hello');
    const more = await post(`${url}/messages?wait=120s`, { content: 'and more' });
    expect(more['reply']).toMatchObject({ outcome: 'completed' });
  });

  it('starts again what died, and after its own death by kill -9 the next start ends what it left', async () => {
    await using folder = await temporaryFolder();
    const where = await place(folder.path);
    await using first = new Up(where);
    await first.says(READY);
    const { sessionId } = await ask(where.url, 'hello');

    process.kill(childrenOf(where).perdure, 'SIGKILL');
    await first.says('Perdure is back');
    const url = `${where.url}/api/sessions/${sessionId}/messages?wait=120s`;
    expect((await post(url, { content: 'still there?' }))['reply']).toMatchObject({
      outcome: 'completed',
    });

    const left = childrenOf(where);
    await first.end('SIGKILL');
    // What it left goes on working.
    expect((await fetch(`${where.url}/readyz`)).status).toBe(200);
    expect([isRunning(left.perdure), isRunning(left.temporal)]).toEqual([true, true]);

    await using second = new Up(where);
    await second.says(READY);
    expect(second.output).toContain(`Ending Perdure of an earlier start (process ${left.perdure})`);
    expect(second.output).toContain(
      `Ending Temporal of an earlier start (process ${left.temporal})`,
    );
    expect([isRunning(left.perdure), isRunning(left.temporal)]).toEqual([false, false]);
    expect((await post(url, { content: 'and now?' }))['reply']).toMatchObject({
      outcome: 'completed',
    });
    expect(await second.end('SIGTERM')).toBe(0);
  });

  it('lets a running answer finish at the first Ctrl-C, and ends everything at once at the second', async () => {
    await using folder = await temporaryFolder();
    await using model = await startModelServer({ tokenDelayMs: 40 });
    const own = await place(folder.path);
    const where = { ...own, env: { ...own.env, PERDURE_DEFAULT_MODEL: 'fake' } };
    await writeFile(join(folder.path, 'perdure.yaml'), slowModel(model.url));
    await using up = new Up(where);
    await up.says(READY);
    await post(`${where.url}/api/sessions`, { message: '#long tokens=5000' });
    await expect.poll(() => model.requests[0]?.written, SOON).toBeGreaterThan(3);
    const children = childrenOf(where);
    up.signal('SIGINT');
    await up.says('Press Ctrl-C again to stop at once.');
    // The drain goes on: the answer still grows.
    const written = model.requests[0]!.written;
    await expect.poll(() => model.requests[0]?.written, SOON).toBeGreaterThan(written + 3);
    expect(isRunning(children.perdure)).toBe(true);
    expect(await up.end('SIGINT')).toBe(0);
    expect(model.requests[0]).toMatchObject({ finished: false, left: true });
    expect([isRunning(children.perdure), isRunning(children.temporal)]).toEqual([false, false]);
    expect(childrenOf(where)).toEqual({ perdure: 0, temporal: 0 });
  });

  it('ends at the first Ctrl-C also while it starts again what died', async () => {
    await using folder = await temporaryFolder();
    const where = await place(folder.path);
    await using up = new Up(where);
    await up.says(READY);
    const died = childrenOf(where).perdure;
    process.kill(died, 'SIGKILL');
    await expect.poll(() => [0, died].includes(childrenOf(where).perdure), SOON).toBe(false);
    const children = childrenOf(where);
    expect(await up.end('SIGINT')).toBe(0);
    expect([isRunning(children.perdure), isRunning(children.temporal)]).toEqual([false, false]);
    expect(up.output).not.toContain('is back');
  });

  it('refuses a second one with the same data folder', async () => {
    await using folder = await temporaryFolder();
    const where = await place(folder.path);
    await using first = new Up(where);
    await first.says(READY);
    await using second = new Up({ ...(await place(folder.path)), folder: folder.path });
    expect(await second.exitCode()).toBe(1);
    expect(second.output).toContain('runs already with the data folder');
    expect((await fetch(`${where.url}/readyz`)).status).toBe(200);
    await first.end('SIGTERM');
  });
});

describe('perdure up, before it starts anything', { timeout: SEVERAL_STARTS_MS }, () => {
  it('leaves a foreign program alone that has one of its ports, and names the port and its variable', async () => {
    await using folder = await temporaryFolder();
    const where = await place(folder.path);
    const foreign = createServer((_, response) => response.end('mine'));
    const port = Number(where.env['PERDURE_TEMPORAL_UI_PORT']);
    foreign.listen(port, '127.0.0.1');
    await once(foreign, 'listening');
    await using up = new Up(where);
    expect(await up.exitCode()).toBe(4);
    expect(up.output).toContain(`Port ${port}`);
    expect(up.output).toContain('PERDURE_TEMPORAL_UI_PORT=');
    expect(await (await fetch(`http://127.0.0.1:${port}`)).text()).toBe('mine');
    expect(childrenOf(where)).toEqual({ perdure: 0, temporal: 0 });
    foreign.close();
  });

  it('ends what it has begun when it is stopped in the middle of its start', async () => {
    await using folder = await temporaryFolder();
    const where = await place(folder.path);
    await using up = new Up(where);
    await up.says('Starting Perdure …');
    await expect.poll(() => childrenOf(where).perdure, SOON).not.toBe(0);
    const children = childrenOf(where);
    expect(await up.end('SIGTERM')).toBe(0);
    expect([isRunning(children.perdure), isRunning(children.temporal)]).toEqual([false, false]);
    expect(up.output).not.toContain(READY);
    expect(up.output).not.toContain('unexpectedly');
  });

  it('lists every wrong setting and ends with 3', async () => {
    await using folder = await temporaryFolder();
    const where = await place(folder.path);
    const env = { ...where.env, PERDURE_API_PORT: 'http', PERDURE_LOG_LEVEL: 'loud' };
    await using up = new Up({ ...where, env });
    expect(await up.exitCode()).toBe(3);
    expect(up.output).toContain('api.port (PERDURE_API_PORT)');
    expect(up.output).toContain('log.level (PERDURE_LOG_LEVEL)');
  });
});
