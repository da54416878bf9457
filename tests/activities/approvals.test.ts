/** Calls about which a person is asked: from the model's step to what the model reads of the decision. */
import { describe, expect, it } from 'vitest';
import type { WorkerTool } from '../../activities/tools/worker-tool.ts';
import type { MadeDecision } from '../../contracts/activities.ts';
import { approvalIdOf } from '../../contracts/approvals.ts';
import { MAX_ARGUMENTS_PREVIEW_CHARACTERS } from '../../contracts/limits.ts';
import type { TimeLimits } from '../../contracts/limits.ts';
import type { ToolCallRef } from '../../contracts/tools.ts';
import type { ScriptEntry } from '../../testing/scripted-model.ts';
import { scripted } from './scripted-stage.ts';
import { nextStep } from './stage.ts';
import type { Stage } from './stage.ts';

const never = Promise.withResolvers<string>().promise;

const tool = (name: string, preview?: WorkerTool['preview']): WorkerTool => ({
  name,
  description: name,
  inputSchema: { type: 'object', properties: { to: { type: 'string' } }, required: ['to'] },
  effect: 'keyed',
  execute: ({ input }) => Promise.resolve(`sent ${JSON.stringify(input)}`),
  ...(preview && { preview }),
});

const TOOLS = [
  tool('plain'),
  tool('shown', ({ input, callId }) => Promise.resolve(`-${callId}\n+${JSON.stringify(input)}`)),
  tool('long', () => Promise.resolve('x'.repeat(100_000))),
  tool('broken', () => Promise.reject(new Error('cannot tell'))),
  tool('throwing', () => {
    throw new Error('cannot even begin to tell');
  }),
  tool('silent', () => never),
];

/** A stage whose model calls these tools in its first step, each with its own name as argument. */
async function calling(
  names: readonly string[],
  approvalPolicy: readonly object[] = [],
  timeouts: Partial<TimeLimits> = { previewMs: 50, approvalMs: 7_000 },
) {
  const script: ScriptEntry[] = [
    { calls: names.map((name) => ({ name, input: { to: name } })) },
    { text: 'Done.' },
  ];
  const { stage, model } = await scripted(script, {
    registry: { tools: TOOLS },
    timeouts,
    agent: { tools: TOOLS.map(({ name }) => name), approvalPolicy },
  });
  const input = stage.message('go');
  const result = await stage.callModel(input);
  if (result.outcome !== 'tool_calls') throw new Error(result.outcome);
  return { stage, model, input, calls: result.calls };
}

const ASK = [{ action: 'ask', reason: 'it sends' }];

const decide = (stage: Stage, call: ToolCallRef, decision: MadeDecision) =>
  stage.journal.ledger.get(call.callId).then((row) =>
    stage.session.settleApproval({
      sessionId: stage.sessionId,
      turn: row!.turn,
      step: row!.step,
      callId: call.callId,
      approvalId: call.approval!.approvalId,
      decision: { ...decision, id: 'one', by: 'ann' },
    }),
  );

const stored = async (stage: Stage, value: unknown): Promise<MadeDecision> => {
  const owner = { tenant: 'acme', user: 'ann' };
  const bytes = Buffer.from(JSON.stringify(value));
  const { artifact } = await stage.journal.artifacts.put(owner, bytes, { mediaType: 'x/y' });
  return { decision: 'approve', argumentsArtifact: artifact };
};

describe('a call that the policy asks about', () => {
  it('waits for 24 hours where nothing else is configured', async () => {
    const { stage, calls } = await calling(['plain'], ASK, {});
    await using _ = stage;
    expect(calls.map(({ approval }) => approval?.waitMs)).toEqual([24 * 3_600_000]);
  });

  it('is handed to the workflow with its approval, and shown with what it would do', async () => {
    const { stage, calls } = await calling(['shown', 'plain'], ASK);
    await using _ = stage;
    const [shown, plain] = calls;
    for (const { callId, name, approval } of calls)
      expect(approval).toEqual({
        approvalId: approvalIdOf(stage.sessionId, callId, JSON.stringify({ to: name })),
        waitMs: 7_000,
      });
    const opened = await stage.eventsOf('approval.opened');
    expect(opened.map(({ data }) => data)).toMatchObject([
      {
        approvalId: shown?.approval?.approvalId,
        arguments: { to: 'shown' },
        preview: `-${shown?.callId}\n+{"to":"shown"}`,
        rule: 'agents.assistant.approvalPolicy[0]',
        reason: 'it sends',
      },
      { approvalId: plain?.approval?.approvalId },
    ]);
    expect(opened[1]?.data).not.toHaveProperty('preview');
  });

  it('is asked about without a preview that fails or takes too long, and with the ends of a long one', async () => {
    const { stage } = await calling(['broken', 'throwing', 'silent', 'long'], ASK);
    await using _ = stage;
    const previews = (await stage.eventsOf('approval.opened')).map(({ data }) => data.preview);
    expect(previews.slice(0, 3)).toEqual([undefined, undefined, undefined]);
    expect(previews[3]).toHaveLength(MAX_ARGUMENTS_PREVIEW_CHARACTERS);
    expect(previews[3]).toContain('characters left out');
  });

  it('does not run before it is approved, whatever a workflow believes', async () => {
    const { stage, input, calls } = await calling(['plain'], ASK);
    await using _ = stage;
    await expect(stage.executeTool(input, calls[0]!)).rejects.toMatchObject({
      type: 'tool_denied',
    });
    expect(await decide(stage, calls[0]!, { decision: 'approve' })).toMatchObject({
      outcome: 'approved',
    });
    expect(await stage.executeTool(input, calls[0]!)).toBe('completed');
  });

  it('runs with the arguments that a person changed, and the model is told', async () => {
    const { stage, model, input, calls } = await calling(['plain'], ASK);
    await using _ = stage;
    const [call] = calls;
    await decide(stage, call!, await stored(stage, { to: 'somebody else' }));
    await stage.executeTool(input, call!);
    await stage.callModel(nextStep(input));
    const asked = JSON.stringify(model.requests[1]?.prompt);
    expect(asked).toContain(String.raw`it ran with these: {\"to\":\"somebody else\"}`);
    expect(asked).toContain(String.raw`sent {\"to\":\"somebody else\"}`);
  });

  it('says nothing of a change where the arguments were sent back as they were', async () => {
    const { stage, calls } = await calling(['plain'], ASK);
    await using _ = stage;
    await decide(stage, calls[0]!, await stored(stage, { to: 'plain' }));
    const [{ data } = { data: {} }] = await stage.eventsOf('approval.settled');
    expect(data).toMatchObject({ outcome: 'approved' });
    expect(data).not.toHaveProperty('arguments');
  });
});

describe('a decision', () => {
  it('whose arguments are not valid, or denied, is refused, and leaves the approval open', async () => {
    const rules = [
      { arguments: [{ pointer: '/to', equals: 'everybody' }], action: 'deny', reason: 'Spam.' },
      ...ASK,
    ];
    const { stage, calls } = await calling(['plain'], rules);
    await using _ = stage;
    const [call] = calls;
    expect(await decide(stage, call!, await stored(stage, { to: 7 }))).toEqual({
      state: 'refused',
      error: {
        code: 'invalid_input',
        message: '"arguments" are not valid for plain: /to must be string.',
      },
    });
    expect(await decide(stage, call!, await stored(stage, { to: 'everybody' }))).toEqual({
      state: 'refused',
      error: {
        code: 'forbidden',
        message: '"arguments": denied by agents.assistant.approvalPolicy[0]. Spam.',
      },
    });
    expect(await stage.eventsOf('approval.settled')).toEqual([]);
    expect(await decide(stage, call!, { decision: 'reject' })).toMatchObject({
      outcome: 'rejected',
    });
    // It was decided: nothing is checked any more.
    expect(await decide(stage, call!, await stored(stage, { to: 7 }))).toMatchObject({
      state: 'settled',
      outcome: 'rejected',
    });
  });

  it('on an approval or with an artifact that is not there is refused for good', async () => {
    const { stage, calls } = await calling(['plain'], ASK);
    await using _ = stage;
    const [call] = calls;
    const gone = { decision: 'approve', argumentsArtifact: 'sha256_0' } as const;
    await expect(decide(stage, call!, gone)).rejects.toMatchObject({
      type: 'not_found',
      nonRetryable: true,
    });
    const { approvalId } = (await calling(['plain'], ASK)).calls[0]!.approval!;
    const other = { ...call!, approval: { approvalId, waitMs: 1 } };
    await expect(decide(stage, other, { decision: 'approve' })).rejects.toMatchObject({
      type: 'not_found',
    });
  });
});

describe('a call that the policy denies', () => {
  it('is settled in the step itself, beside others that run, and the model reads why', async () => {
    const rules = [{ tool: 'plain', action: 'deny', reason: 'Never.' }];
    const { stage, model, input, calls } = await calling(['plain', 'shown'], rules);
    await using _ = stage;
    expect(calls.map(({ settled }) => settled)).toEqual([true, undefined]);
    expect(await stage.eventsOf('tool.settled')).toMatchObject([
      {
        data: {
          outcome: 'rejected',
          error: {
            code: 'tool_denied',
            message: 'plain is denied by agents.assistant.approvalPolicy[0]. Never.',
          },
        },
      },
    ]);
    expect(await stage.eventsOf('approval.opened')).toEqual([]);
    await stage.executeTool(input, calls[1]!);
    await stage.callModel(nextStep(input));
    expect(JSON.stringify(model.requests[1]?.prompt)).toContain('Never.');
  });
});
