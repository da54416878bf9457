/** A call that a model has asked for, and attempts of workers at it. */
import { createExecuteTool } from '../../activities/tools/execute-tool.ts';
import type { ToolExecutor } from '../../activities/tools/executor.ts';
import type { ModelStepInput, ToolInput, ToolResultRef } from '../../contracts/activities.ts';
import { newId } from '../../contracts/ids.ts';
import { TIME_LIMITS } from '../../contracts/limits.ts';
import { POLICIES } from '../../contracts/policies.ts';
import type { Effect, ToolCallRef, ToolMode } from '../../contracts/tools.ts';
import type { Journal } from '../../journal/port.ts';
import { scriptedModel } from '../../testing/scripted-model.ts';
import { activityEnvironment, openStage } from './stage.ts';
import type { Stage } from './stage.ts';

export interface AskedOptions {
  readonly mode?: ToolMode;
  /** Replaces parts of the journal by what fails. */
  readonly spoil?: (journal: Journal) => Journal;
}

/** A step that asked for one worker tool of this effect, and what its executor does. */
export async function asked(
  effect: Effect,
  tool: ToolExecutor | ToolExecutor['execute'],
  { mode = 'worker', spoil = (it) => it }: AskedOptions = {},
) {
  const executor = typeof tool === 'function' ? { execute: tool } : tool;
  const model = scriptedModel([{ calls: [{ name: 'list_files', input: {} }] }]);
  const stage = await openStage({ resolver: model.resolver });
  const input = stage.message('go');
  const result = await stage.callModel(input);
  const first = result.outcome === 'tool_calls' ? result.calls[0] : undefined;
  if (!first) throw new Error('no call');
  const own = effect === 'read' && mode === 'worker';
  const call = own ? first : await another(stage, input, { effect, mode });
  const run = createExecuteTool({
    journal: spoil(stage.journal),
    timeouts: TIME_LIMITS,
    policies: POLICIES,
    log: { debug() {}, info() {}, warn() {}, error() {} },
    tools: { executors: { [mode]: executor } },
  });
  const { sessionId, turn, step } = input;
  return {
    stage,
    call,
    run: async (
      attempt: number,
      timeoutMs = 300_000,
      env = activityEnvironment({ attempt }),
    ): Promise<ToolResultRef> => {
      const tool: ToolInput = {
        sessionId,
        turn,
        step,
        callId: call.callId,
        name: call.name,
        timeoutMs,
      };
      const settled: ToolResultRef = await env.run(run, tool);
      return settled;
    },
    [Symbol.asyncDispose]: () => stage[Symbol.asyncDispose](),
  };
}

/** The workspace tools only read; another effect is put into the ledger by hand, as a step of its own. */
async function another(
  stage: Stage,
  input: ModelStepInput,
  { effect, mode }: Pick<ToolCallRef, 'effect' | 'mode'>,
): Promise<ToolCallRef> {
  const callId = newId('call');
  const { sessionId, turn } = input;
  const claim = await stage.journal.steps.claim({
    sessionId,
    turn,
    step: 2,
    messages: [],
    inputDigest: 'x',
    fence: { scheduledAt: Date.now() + 1_000, attempt: 1 },
  });
  if (claim.state !== 'claimed') throw new Error(claim.state);
  const ref = {
    callId,
    name: 'pay',
    mode,
    effect,
    timeoutMs: 300_000,
    summary: 'pay',
  } as const;
  const spend = {
    usage: { inputTokens: 0, outputTokens: 0, cachedInputTokens: 0, reasoningTokens: 0 },
    costUsd: 0,
  };
  await stage.journal.steps.finish(claim.attempt, {
    events: [],
    spend,
    result: { outcome: 'tool_calls', calls: [ref], spend },
    calls: [{ callId, name: 'pay', mode, effect, timeoutMs: 300_000, arguments: '{}' }],
  });
  return ref;
}

export const settledOf = async (stage: Stage) => (await stage.eventsOf('tool.settled'))[0]?.data;
export const failure = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => undefined,
    (e: unknown) => e,
  );
