/** Whom a chat's call waits for, asked of a real API. */
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { RunnerWatch } from '../../../cli/chat/runner-watch.ts';
import type { Look } from '../../../cli/chat/runner-watch.ts';
import { createPerdureClient } from '../../../client/index.ts';
import type { PerdureClient } from '../../../client/index.ts';
import { newId } from '../../../contracts/ids.ts';
import { uniqueName } from '../../api/support/fixture.ts';
import { openRunnerStage, type RunnerStage } from '../../runner/support/stage.ts';

vi.setConfig({ testTimeout: 120_000 });

let stage: RunnerStage;
beforeAll(async () => {
  stage = await openRunnerStage();
});
afterAll(() => stage[Symbol.asyncDispose]());

const DECLARED = { description: 'x', inputSchema: { type: 'object' } };

/** A runner that is there, and takes no call. */
async function idleRunner(): Promise<string> {
  const name = uniqueName('idle');
  const tools = [
    { ...DECLARED, name: 'look' },
    { ...DECLARED, name: 'change', approval: 'always' },
  ];
  const body = { name, instance: newId('run'), workdir: '/w', tools, version: '1' };
  expect((await stage.product.send('POST', '/api/runners', { body })).status).toBe(200);
  return name;
}

interface Watching extends AsyncDisposable {
  readonly client: PerdureClient;
  readonly said: readonly string[];
}

const look = (late: boolean): Look => ({ afterMs: 50, late });

function watching(sessionId: string, looks: readonly Look[]): Watching {
  const over = new AbortController();
  const client = createPerdureClient({ url: stage.product.url });
  const said: string[] = [];
  const say = (line: string) => void said.push(line);
  const watch = new RunnerWatch({ client, sessionId, left: over.signal, say, looks });
  const follow = async () => {
    const { signal } = over;
    for await (const step of client.session(sessionId).follow({ signal })) watch.step(step);
  };
  const following = follow();
  return {
    client,
    said,
    async [Symbol.asyncDispose]() {
      over.abort();
      await following;
    },
  };
}

test('a runner that is there and takes no call is told of once, and once more when it counts as away', async () => {
  const name = await idleRunner();
  const sessionId = await stage.ask({ name }, 'look{}');
  const now = Date.now;
  const clock = vi.spyOn(Date, 'now');
  const muchLater: Look = {
    get afterMs() {
      clock.mockImplementation(() => now() + 60_000);
      return 50;
    },
    late: true,
  };
  try {
    await using watch = watching(sessionId, [look(false), look(true), look(true), muchLater]);
    await vi.waitFor(() => expect(watch.said).toHaveLength(2), 60_000);
    expect(watch.said[0]).toContain(`the runner ${name} has not taken the call yet`);
    expect(watch.said[1]).toContain(`waiting for the runner ${name}, which is away`);
  } finally {
    clock.mockRestore();
  }
});

test('nothing is said of a call that a person is asked about, until it is approved', async () => {
  const name = await idleRunner();
  const sessionId = await stage.ask({ name }, 'change{}');
  await using watch = watching(sessionId, [look(false), look(true)]);
  const { client, said } = watch;
  const open = await vi.waitFor(async () => {
    const { approvals } = await client.approvals.list({ sessionId });
    expect(approvals).toHaveLength(1);
    return approvals[0]!;
  }, 60_000);
  expect(said).toEqual([]);
  await client.approvals.decide(open.approvalId, { decision: 'approve' });
  await vi.waitFor(() => expect(said).toHaveLength(1), 60_000);
});
