/** Whether a worker's programs outlive their sessions: asked of a real Temporal. */
import { expect, test, vi } from 'vitest';
import { newId } from '../../contracts/ids.ts';
import type { SessionId } from '../../contracts/ids.ts';
import { SESSION_WORKFLOW } from '../../contracts/names.ts';
import { createLog } from '../../telemetry/log.ts';
import { openPrograms } from '../../worker/programs.ts';
import { load } from '../config/support.ts';
import { sharedTemporal } from '../support/dev-server.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const MONTH_MS = 30 * 86_400_000;

test('the program of a session that was terminated ends, whatever the idle limit; that of one that runs stays', async () => {
  await using temporal = await sharedTemporal();
  await using home = await temporaryFolder();
  const yaml = JSON.stringify({
    cliProviders: {
      it: {
        ...{ command: 'cat', sandbox: 'none', input: { template: '{message}{marker}' } },
        done: { by: 'marker' },
      },
    },
    agents: { coder: { engine: { cli: 'it' } } },
  });
  const settings = await load({ yaml });
  await using host = await openPrograms({
    settings: { ...settings, home: home.path },
    connection: temporal.nativeConnection,
    secrets: (name) => process.env[name],
    log: createLog({ level: 'silent', service: 'test' }),
    forgetting: { everyMs: 20, askEveryMs: 50 },
  });
  const program = async (sessionId: SessionId): Promise<string> => {
    const wanted = { provider: 'it', instructions: '', workspace: null, conversation: undefined };
    const { signal } = new AbortController();
    return (await host!.start({ ...wanted, sessionId, idleMs: MONTH_MS }, signal)).programId;
  };
  // Nobody takes them from this queue: their runs are open.
  const session = async () => {
    const sessionId = newId('ses');
    const run = { workflowId: sessionId, taskQueue: newId('run') };
    const handle = await temporal.client.workflow.start(SESSION_WORKFLOW, run);
    return { sessionId, handle, programId: await program(sessionId) };
  };
  const [ended, open] = [await session(), await session()];
  const unheardOf = await program(newId('ses'));
  await ended.handle.terminate('by a test');
  for (const programId of [ended.programId, unheardOf])
    await vi.waitFor(() => expect(host!.find(programId)).toBeUndefined(), { timeout: 60_000 });
  expect(host!.find(open.programId)).toBeDefined();
  await open.handle.terminate('the test is over');
  await vi.waitFor(() => expect(host!.size).toBe(0), { timeout: 60_000 });
});
