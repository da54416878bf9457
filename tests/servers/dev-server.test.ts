import { randomUUID } from 'node:crypto';
import { chmod, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Worker } from '@temporalio/worker';
import { expect, test } from 'vitest';
import { freePort } from '../../servers/child.ts';
import { answersFor, devServerArguments, startDevServer } from '../../servers/dev-server.ts';
import { findTemporalCli } from '../../servers/temporal-cli.ts';
import { testBundle } from '../support/bundle.ts';
import { sharedTemporal } from '../support/dev-server.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { listeningPorts } from './listening.ts';

const workflowsPath = fileURLToPath(new URL('./workflows/sleeper.ts', import.meta.url));
const SOON = { timeout: 30_000 };
const searchAttributes = { PerdureTenant: 'Keyword' } as const;

test('the dev server runs a workflow', async () => {
  await using temporal = await sharedTemporal();
  const taskQueue = `servers-${randomUUID()}`;
  const workflowBundle = await testBundle(workflowsPath);
  const worker = await Worker.create({
    connection: temporal.nativeConnection,
    taskQueue,
    workflowBundle,
  });
  const running = temporal.client.workflow.execute('sleeper', {
    taskQueue,
    workflowId: taskQueue,
    args: [10],
  });
  expect(await worker.runUntil(running)).toBeGreaterThanOrEqual(10);
});

test('a persistent dev server starts again on its own file', async () => {
  await using folder = await temporaryFolder();
  const files = {
    dbFile: join(folder.path, 'temporal.db'),
    logFile: join(folder.path, 'temporal.log'),
  };
  for (const round of [1, 2]) {
    await using server = await startDevServer({
      ...files,
      port: await freePort(),
      searchAttributes,
    });
    expect(server.pid, `round ${round}`).toBeGreaterThan(0);
  }
});

test('a server that lost one of its inner ports to another program is started again', async () => {
  await using folder = await temporaryFolder();
  const once = join(folder.path, 'once');
  const cli = join(folder.path, 'temporal');
  const lost = 'failed listening for HTTP API: bind: address already in use';
  const script = `[ -e ${once} ] || { touch ${once}; echo '${lost}'; exit 1; }`;
  await writeFile(cli, `#!/bin/sh\n${script}\nexec ${await findTemporalCli()} "$@"\n`);
  await chmod(cli, 0o755);
  const logFile = join(folder.path, 'temporal.log');
  await using server = await startDevServer({
    port: await freePort(),
    searchAttributes,
    logFile,
    cli,
  });
  await expect.poll(() => answersFor(server.address, 'default'), SOON).toBe(true);
  expect(await readFile(logFile, 'utf8')).toContain(lost);
});

test('a server that ends for another reason is not started again, and the end of its log is told', async () => {
  await using folder = await temporaryFolder();
  const cli = join(folder.path, 'temporal');
  await writeFile(cli, '#!/bin/sh\necho "started as $1"; exit 1\n');
  await chmod(cli, 0o755);
  const logFile = join(folder.path, 'temporal.log');
  const options = { port: await freePort(), searchAttributes, logFile, cli };
  await expect(startDevServer(options)).rejects.toThrow('started as server');
  expect(await readFile(logFile, 'utf8')).toBe('started as server\n');
});

test('a second server on a taken port is refused with the port in the message', async () => {
  await using temporal = await sharedTemporal();
  const port = Number(temporal.address.split(':')[1]);
  await expect(startDevServer({ port, logFile: '/dev/null', searchAttributes })).rejects.toThrow(
    `Port ${port} is taken`,
  );
});

test('the server is tuned: no task dispatch limit, eager activities, frozen clients cut off, write-ahead log', () => {
  const line = devServerArguments({ port: 1, dbFile: 'f', logFile: 'l', searchAttributes }).join(
    ' ',
  );
  expect(line).toContain('history.transferProcessorMaxPollRPS=10000');
  expect(line).toContain('system.enableActivityEagerExecution=true');
  expect(line).toContain('frontend.keepAliveTime="2s"');
  expect(line).toContain('frontend.keepAliveTimeout="8s"');
  expect(line).toContain('frontend.httpAllowedHosts=["nobody.invalid"]');
  expect(line).toContain('--headless');
  expect(line).toContain('journal_mode=WAL --sqlite-pragma synchronous=NORMAL');
});

test.runIf(process.platform === 'linux')(
  'a web page from elsewhere can start nothing, on whichever port the server listens',
  async () => {
    await using folder = await temporaryFolder();
    await using server = await startDevServer({
      port: await freePort(),
      searchAttributes,
      logFile: join(folder.path, 'temporal.log'),
    });
    const body = JSON.stringify({ workflowType: { name: 'x' }, taskQueue: { name: 'x' } });
    const answers = await Promise.all(
      (await listeningPorts(server.pid)).map((port) =>
        // What a form may send without being asked whether it may.
        fetch(`http://127.0.0.1:${port}/api/v1/namespaces/default/workflows/evil`, {
          method: 'POST',
          headers: { 'content-type': 'text/plain', origin: 'http://evil.example' },
          body,
          signal: AbortSignal.timeout(10_000),
        }).then(
          async (answer) => `${answer.status} ${await answer.text()}`,
          () => 'no HTTP',
        ),
      ),
    );
    expect(answers.filter((answer) => answer.startsWith('200'))).toEqual([]);
    expect(answers).toContainEqual(expect.stringMatching(/^403 .*Host not allowed/));
  },
);
