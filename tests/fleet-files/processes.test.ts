import { execFileSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { freePort } from '../../servers/child.ts';
import { startDevServer } from '../../servers/dev-server.ts';
import { postgresDatabase } from '../support/database.ts';
import { ProductProcess } from '../support/processes.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { healthUrl, service } from './compose-file.ts';

const KEY = `pdk_${'k'.repeat(43)}`;
/** Variables of the person's own that the compose file hands on: none is set here. */
const UNSET = {
  OPENROUTER_API_KEY: '',
  OPENAI_API_KEY: '',
  ANTHROPIC_API_KEY: '',
  PERDURE_SECRET_KEY: '',
};

interface Elsewhere {
  readonly folder: string;
  readonly addresses: Readonly<Record<string, string>>;
}

/** A service as the compose file describes it: command, settings and health path; only addresses and ports are this test's. */
async function start(name: 'api' | 'worker', { folder, addresses }: Elsewhere) {
  const { command, environment } = service(name);
  const health = healthUrl(service(name));
  const port = await freePort();
  const portVariable = name === 'api' ? 'PERDURE_API_PORT' : 'PERDURE_WORKER_HEALTH_PORT';
  const process = new ProductProcess({
    name,
    args: command,
    env: { ...environment, ...addresses, [portVariable]: `${port}` },
    folder,
    readyUrl: `http://127.0.0.1:${port}${health?.pathname}`,
  });
  await process.start();
  return {
    process,
    url: `http://127.0.0.1:${port}`,
    [Symbol.asyncDispose]: () => process[Symbol.asyncDispose](),
  };
}

test('migrate, API and worker, started as the compose file starts them, become healthy and answer a message', async () => {
  await using folder = await temporaryFolder();
  await using database = await postgresDatabase();
  await using temporal = await startDevServer({
    port: await freePort(),
    // What `migrate` has to register itself here.
    searchAttributes: {},
    logFile: join(folder.path, 'temporal.log'),
  });
  const keyFile = join(folder.path, 'first-key');
  await writeFile(keyFile, `${KEY}\n`);
  const elsewhere = {
    folder: folder.path,
    addresses: {
      ...UNSET,
      PERDURE_HOME: folder.path,
      PERDURE_DATABASE_URL: database.url,
      TEMPORAL_ADDRESS: temporal.address,
      PERDURE_BOOTSTRAP_KEY_FILE: keyFile,
    },
  };
  execFileSync('node', ['cli/main.ts', ...service('migrate').command], {
    env: { ...process.env, ...service('migrate').environment, ...elsewhere.addresses },
  });
  await using api = await start('api', elsewhere);
  await using _worker = await start('worker', elsewhere);

  const post = (path: string, body: object, key?: string) =>
    fetch(`${api.url}${path}`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        ...(key && { authorization: `Bearer ${key}` }),
      },
      body: JSON.stringify(body),
    });
  expect((await post('/api/sessions', {})).status).toBe(401);
  const started = await post('/api/sessions', {}, KEY);
  expect(started.status).toBe(201);
  const { sessionId } = (await started.json()) as { sessionId: string };
  const answered = await post(
    `/api/sessions/${sessionId}/messages?wait=30s`,
    { content: 'hello' },
    KEY,
  );
  expect(await answered.json()).toMatchObject({ reply: { outcome: 'completed' } });
}, 180_000);
