// Client tools against the real processes.
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { createPerdureClient } from '../../client/index.ts';
import type { AnswerReport } from '../../client/index.ts';
import { startCluster } from '../support/cluster.ts';
import type { Cluster } from '../support/cluster.ts';
import { until } from './conversation.ts';

vi.setConfig({ testTimeout: 180_000 });
const PATIENCE = { timeout: 60_000 };

let cluster: Cluster;
beforeAll(async () => {
  cluster = await startCluster();
});
afterAll(() => cluster[Symbol.asyncDispose]());

const client = () => createPerdureClient({ url: cluster.urls[0]!, retryDelay: () => 20 });

describe('client tools', () => {
  const tools = [
    {
      name: 'ask_person',
      description: 'asks',
      inputSchema: { type: 'object' as const },
      effect: 'never-retry' as const,
    },
  ];
  const CALL = 'call=ask_person{"question":"Tea?"} tokens=2';

  test('are answered by the caller’s functions, and the turn goes on with the result', async () => {
    using perdure = client();
    const { session } = await perdure.start({ tools });
    const asked: unknown[] = [];
    const reports: AnswerReport[] = [];
    await using _answering = session.answerTools(
      {
        async ask_person(args, call) {
          asked.push(args);
          await call.progress('thinking', 0.5);
          return { answer: 'yes' };
        },
      },
      { onReport: (report) => reports.push(report) },
    );
    const { turn } = await session.sendAndWait(CALL);
    expect(asked).toEqual([{ question: 'Tea?' }]);
    expect(turn.steps[0]?.calls[0]).toMatchObject({
      state: 'settled',
      progress: { message: 'thinking', fraction: 0.5 },
      settlement: { outcome: 'completed', result: { answer: 'yes' } },
    });
    expect(reports).toMatchObject([{ name: 'ask_person', result: 'answered' }]);
  });

  test('that were called before anybody watched are answered too; what a handler throws fails the call', async () => {
    using perdure = client();
    const { session } = await perdure.start({ tools });
    const waiting = session.sendAndWait(CALL);
    await until(session.events(), (event) => event.type === 'tool.requested');
    await using _answering = session.answerTools({
      ask_person() {
        throw new Error('nobody is here');
      },
    });
    const { turn } = await waiting;
    expect(turn.outcome).toBe('completed');
    expect(turn.steps[0]?.calls[0]?.settlement).toMatchObject({
      outcome: 'failed',
      error: { message: expect.stringContaining('nobody is here') },
    });
  });

  test('that a person has to approve are answered at once when they are, and not before', async () => {
    using perdure = client();
    const asked = [{ ...tools[0]!, approval: 'always' as const }];
    const { session } = await perdure.start({ tools: asked });
    const questions: unknown[] = [];
    const reports: AnswerReport[] = [];
    await using _answering = session.answerTools(
      { ask_person: (question) => questions.push(question) },
      { onReport: (report) => reports.push(report) },
    );
    const waiting = session.sendAndWait(CALL);
    await until(session.events(), (event) => event.type === 'approval.opened');
    const { approvals } = await perdure.approvals.list({ sessionId: session.id });
    expect(approvals).toMatchObject([{ name: 'ask_person', state: 'open' }]);
    expect([questions, reports]).toEqual([[], []]);
    const decision = { decision: 'approve', arguments: { question: 'Coffee?' } } as const;
    const decided = await perdure.approvals.decide(approvals[0]!.approvalId, decision);
    expect(await perdure.approvals.get(decided.approvalId)).toEqual(decided);
    const { turn } = await waiting;
    expect(questions).toEqual([{ question: 'Coffee?' }]);
    expect(reports).toMatchObject([{ result: 'answered' }]);
    expect(turn.steps[0]?.calls[0]?.approval).toMatchObject({
      approvalId: decided.approvalId,
      settlement: { outcome: 'approved', arguments: { question: 'Coffee?' } },
    });
  });

  test('offered to two are run by one; the other is told', async () => {
    using perdure = client();
    const { session } = await perdure.start({ tools });
    const runs: string[] = [];
    const reports: AnswerReport[] = [];
    const answer = (holder: string) =>
      session.answerTools(
        { ask_person: () => runs.push(holder) },
        { holder, onReport: (report) => reports.push(report) },
      );
    await using _one = answer('one');
    await using _two = answer('two');
    await session.sendAndWait(CALL);
    await until(session.events(), (event) => event.type === 'turn.settled');
    expect(runs.length).toBe(1);
    await expect
      .poll(() => reports.map(({ result }) => result).toSorted(), PATIENCE)
      .toEqual(['answered', 'taken']);
  });

  test('with large results are uploaded; with those that nobody keeps, or that are no JSON, they fail and the model reads why', async () => {
    using perdure = client();
    const circle: Record<string, unknown> = {};
    circle['itself'] = circle;
    const cases = [
      ['x'.repeat(3_000_000), { outcome: 'completed', artifact: { bytes: 3_000_000 } }],
      [{ text: 'x'.repeat(2_000_000) }, { artifact: { mediaType: 'application/json' } }],
      ['x'.repeat(50_000_000), { error: { message: /50000000 bytes, and at most 33554432/ } }],
      [circle, { error: { message: /its result is not JSON: Converting circular/ } }],
      [10n, { error: { message: /its result is not JSON/ } }],
      // What the API refuses is no reason to let the call wait until its time is over.
      [JSON.parse('{"__proto__":1}'), { error: { message: /The result was not taken: / } }],
    ] as const;
    for (const [result, expected] of cases) {
      const { session } = await perdure.start({ tools });
      await using _answering = session.answerTools({ ask_person: () => result });
      const { turn } = await session.sendAndWait(CALL);
      expect(turn.outcome).toBe('completed');
      const { settlement } = turn.steps[0]!.calls[0]!;
      const message = 'error' in expected ? expected.error.message : undefined;
      expect(settlement).toMatchObject(
        message === undefined
          ? expected
          : { outcome: 'failed', error: { message: expect.stringMatching(message) } },
      );
      const { messages } = cluster.model.requests.at(-1)!.body as {
        messages: { role: string; content: string }[];
      };
      const told = messages.filter(({ role }) => role === 'tool');
      expect(told).toHaveLength(1);
      expect(told[0]!.content.length).toBeLessThan(20_000);
    }
  });

  test('answered too late are reported with the API’s code, and the handler is told to stop', async () => {
    using perdure = client();
    const { session } = await perdure.start({ tools });
    const reports: AnswerReport[] = [];
    const aborted = Promise.withResolvers<void>();
    await using _answering = session.answerTools(
      {
        ask_person: (_, { signal }) =>
          new Promise((_resolve, reject) =>
            signal.addEventListener('abort', () => {
              aborted.resolve();
              reject(new Error('stopped'));
            }),
          ),
      },
      { onReport: (report) => reports.push(report) },
    );
    const waiting = session.sendAndWait(CALL);
    await until(session.events(), (event) => event.type === 'tool.started');
    await session.interrupt();
    expect((await waiting).turn.outcome).toBe('interrupted');
    await aborted.promise;
    await expect.poll(() => reports.map(({ result }) => result), PATIENCE).toEqual(['refused']);
    const call = (await session.view()).turns[0]!.steps[0]!.calls[0]!;
    const late = perdure.call((trpc, options) =>
      trpc.tool.result.mutate(
        { callId: call.callId, outcome: { status: 'completed', result: 'too late' } },
        options,
      ),
    );
    await expect(late).rejects.toMatchObject({ code: 'result_late' });
  });
});
