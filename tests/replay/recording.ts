/** Records what is not kept yet, on a real server of its own: `PERDURE_RECORD=1 npx vitest run tests/replay`. Never overwrites. */
import { access, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Client, Connection } from '@temporalio/client';
import proto from '@temporalio/proto';
import { NativeConnection } from '@temporalio/worker';
import { freePort } from '../../servers/child.ts';
import { startDevServer } from '../../servers/dev-server.ts';
import { quietTemporal } from '../support/quiet-temporal.ts';
import { SEARCH_ATTRIBUTES } from '../support/search-attributes.ts';
import { SessionKit, type TestSession } from '../workflows/support/session-kit.ts';
import { SCENARIOS } from './scenarios.ts';

export const HISTORIES = fileURLToPath(new URL('./histories/', import.meta.url));

const { History } = proto.temporal.api.history.v1;

/** One run of a session. The history is Temporal's own message, in base 64: its JSON form is not the same in every version of its tools. */
export interface KeptRun {
  readonly startedAt: string;
  readonly history: string;
}

export const decodeHistory = ({ history }: KeptRun) =>
  History.decode(Buffer.from(history, 'base64'));

export async function recordMissing(): Promise<void> {
  const isKept = (name: string) =>
    access(join(HISTORIES, `${name}.json`)).then(
      () => true,
      () => false,
    );
  const names = Object.keys(SCENARIOS);
  const kept = await Promise.all(names.map(isKept));
  const missing = names.filter((_, index) => !kept[index]);
  if (missing.length === 0) return;
  const logFile = join(tmpdir(), `perdure-recording-${process.pid}.log`);
  await using server = await startDevServer({
    port: await freePort(),
    searchAttributes: SEARCH_ATTRIBUTES,
    logFile,
  });
  quietTemporal();
  const { address } = server;
  const connection = await Connection.connect({ address });
  const nativeConnection = await NativeConnection.connect({ address });
  {
    await using kit = await SessionKit.on(new Client({ connection }), nativeConnection);
    for (const name of missing) await keep(kit, name, await SCENARIOS[name]!(kit));
  }
  await nativeConnection.close();
  await connection.close();
}

/** All runs of the session, oldest first. */
async function keep(kit: SessionKit, name: string, session: TestSession): Promise<void> {
  const runs: KeptRun[] = [];
  for await (const { runId, startTime } of kit.client.workflow.list({
    query: `WorkflowId = '${session.sessionId}'`,
  })) {
    const history = await kit.client.workflow.getHandle(session.sessionId, runId).fetchHistory();
    const bytes = History.encode(history).finish();
    runs.push({
      startedAt: startTime.toISOString(),
      history: Buffer.from(bytes).toString('base64'),
    });
  }
  await writeFile(join(HISTORIES, `${name}.json`), JSON.stringify(runs.toReversed(), null, 1));
}
