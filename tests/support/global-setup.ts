// Runs once, in vitest's own process: the servers that all test files share. A server that cannot be had fails the
// whole run, because a test skipped for a missing server proves nothing.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { freePort } from '../../servers/child.ts';
import { answersFor, startDevServer } from '../../servers/dev-server.ts';
import { startPostgres } from '../../servers/postgres.ts';
import { findTestServer } from '../../servers/test-server.ts';
import { SEARCH_ATTRIBUTES } from './search-attributes.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    temporalAddress: string;
    postgresUrl: string;
    testServerPath: string;
  }
}

const OLDEST_NODE = 24;
const report = (line: string) => console.log(`[tests] ${line}`);

export default async function setUp(project: TestProject): Promise<() => Promise<void>> {
  refuseOldNode();
  const processCoverage = process.env['NODE_V8_COVERAGE'];
  if (processCoverage) await rm(processCoverage, { recursive: true, force: true });
  await using started = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), 'perdure-tests-'));
  started.defer(() => rm(folder, { recursive: true, force: true }));
  const [temporalAddress, postgresUrl, testServerPath] = await Promise.all([
    temporal(started, folder),
    postgres(started),
    findTestServer({ report }),
  ]);
  project.provide('temporalAddress', temporalAddress);
  project.provide('postgresUrl', postgresUrl);
  project.provide('testServerPath', testServerPath);
  const kept = started.move();
  return () => kept.disposeAsync();
}

async function temporal(started: AsyncDisposableStack, folder: string): Promise<string> {
  const running = process.env['PERDURE_TEST_TEMPORAL_ADDRESS'];
  if (running) {
    if (await answersFor(running, 'default')) return running;
    throw new Error(`PERDURE_TEST_TEMPORAL_ADDRESS=${running}: no Temporal server answers there`);
  }
  const server = await startDevServer({
    port: await freePort(),
    searchAttributes: SEARCH_ATTRIBUTES,
    logFile: join(folder, 'temporal.log'),
    report,
  });
  started.use(server);
  report(`Temporal on ${server.address} (PERDURE_TEST_TEMPORAL_ADDRESS reuses a running one)`);
  return server.address;
}

async function postgres(started: AsyncDisposableStack): Promise<string> {
  const running = process.env['PERDURE_TEST_POSTGRES_URL'];
  if (running) return running;
  const server = started.use(await startPostgres());
  report(`PostgreSQL on ${server.url} (PERDURE_TEST_POSTGRES_URL reuses a running one)`);
  return server.url;
}

function refuseOldNode(): void {
  if (Number(process.versions.node.split('.')[0]) >= OLDEST_NODE) return;
  throw new Error(
    `The tests need Node ${OLDEST_NODE}, this is ${process.version}: use \`npm test\` or \`npx vitest\`.`,
  );
}
