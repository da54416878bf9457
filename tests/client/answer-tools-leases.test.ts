// Claims of client tools where the lease is not the usual one and the client's clock is wrong. The processes of the product have the right one.
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { createPerdureClient } from '../../client/index.ts';
import type { AnswerReport, PerdureClient, SessionClient } from '../../client/index.ts';
import { startCluster } from '../support/cluster.ts';
import type { Cluster } from '../support/cluster.ts';

vi.setConfig({ testTimeout: 180_000 });
/** Shorter than the pauses of a client that believes in the usual one, which is 15 s. */
const LEASE_MS = 2_000;
const HOUR_MS = 3_600_000;

let cluster: Cluster;
beforeAll(async () => {
  cluster = await startCluster({ settings: { timeouts: { toolLeaseMs: LEASE_MS } } });
});
afterAll(() => cluster[Symbol.asyncDispose]());

const client = () => createPerdureClient({ url: cluster.urls[0]!, retryDelay: () => 20 });
const tools = [
  {
    name: 'ask_person',
    description: 'asks',
    inputSchema: { type: 'object' as const },
    effect: 'read' as const,
  },
];
const CALL = 'call=ask_person{"question":"Tea?"} tokens=2';

const pendingOf = async (perdure: PerdureClient, { id: sessionId }: SessionClient) =>
  (await perdure.call((trpc, options) => trpc.tool.pending.query({ sessionId }, options))).calls;

test('a claim is renewed three times a lease, whatever the lease is', async () => {
  using perdure = client();
  const { session } = await perdure.start({ tools });
  const done = Promise.withResolvers<void>();
  await using _answering = session.answerTools({
    ask_person: async () => {
      await done.promise;
      return 'yes';
    },
  });
  const waiting = session.sendAndWait(CALL);
  const ends = new Set<number>();
  await expect
    .poll(
      async () => {
        const [call] = await pendingOf(perdure, session);
        if (call?.leaseEndsAt) ends.add(Date.parse(call.leaseEndsAt));
        return ends.size;
      },
      { timeout: 60_000, interval: 50 },
    )
    .toBeGreaterThan(5);
  done.resolve();
  expect((await waiting).turn.steps[0]?.calls[0]?.settlement).toMatchObject({ result: 'yes' });
  // The usual pause is 5 s: the claim would have lapsed in each.
  const pauses = [...ends].map((end, index, all) => end - (all[index - 1] ?? end));
  expect(pauses.toSorted((a, b) => a - b)[Math.floor(pauses.length / 2)]).toBeLessThan(LEASE_MS);
});

test.for([
  ['an hour fast', HOUR_MS],
  ['an hour slow', -HOUR_MS],
] as const)(
  'a client whose clock is %s takes a call when its claim has lapsed, not before',
  async ([, wrongBy]) => {
    using perdure = client();
    const { session } = await perdure.start({ tools });
    const waiting = session.sendAndWait(CALL);
    const [call] = await expect
      .poll(() => pendingOf(perdure, session), { timeout: 60_000 })
      .toHaveLength(1)
      .then(() => pendingOf(perdure, session));
    await perdure.call((trpc, options) =>
      trpc.tool.claim.mutate({ callId: call!.callId, holder: 'elsewhere' }, options),
    );
    const reports: AnswerReport[] = [];
    const right = () => Math.round(performance.timeOrigin + performance.now());
    using _clock = vi.spyOn(Date, 'now').mockImplementation(() => right() + wrongBy);
    await using _answering = session.answerTools(
      { ask_person: () => 'yes' },
      { onReport: (report) => reports.push(report) },
    );
    const { turn } = await waiting;
    expect(turn.steps[0]?.calls[0]?.settlement).toMatchObject({ result: 'yes' });
    // A claim before its time would have been reported as `taken`.
    expect(reports).toMatchObject([{ result: 'answered' }]);
  },
);
