/**
 * The activities of one session, in memory: the model is a script, and what the journal would keep is kept in plain sight.
 * It runs out loudly: a step without an answer fails the test's turn for good.
 */
import { ApplicationFailure } from '@temporalio/common';
import type {
  Fact,
  ModelStepInput,
  ModelStepResult,
  SealInput,
  SealResult,
  SessionActivities,
  SettleInput,
  SettleResult,
  ToolActivities,
  ToolInput,
} from '../../../contracts/activities.ts';
import type { EventType, TurnOutcome } from '../../../contracts/events.ts';
import { newId, type CallId } from '../../../contracts/ids.ts';
import type { ToolCallRef } from '../../../contracts/tools.ts';
import { NO_SPEND, type Spend } from '../../../contracts/usage.ts';

export type Step = (input: ModelStepInput) => ModelStepResult | Promise<ModelStepResult>;

export const spent = (tokens: number, costUsd = 0): Spend => ({
  usage: { ...NO_SPEND.usage, outputTokens: tokens },
  costUsd,
});

export const completed =
  (spend: Spend = spent(10, 0.01)): Step =>
  () => ({ outcome: 'completed', spend });

export const callsTools =
  (calls: readonly ToolCallRef[], spend: Spend = spent(10, 0.01)): Step =>
  () => ({ outcome: 'tool_calls', calls, spend });

export const toolCall = (over: Partial<ToolCallRef> = {}): ToolCallRef => ({
  callId: newId('call'),
  name: 'look',
  mode: 'client',
  effect: 'never-retry',
  timeoutMs: 300_000,
  summary: '',
  ...over,
});

export class ScriptedWorld implements SessionActivities, ToolActivities {
  readonly steps: ModelStepInput[] = [];
  readonly facts: Fact[] = [];
  /** How many facts each record carried. */
  readonly batches: number[] = [];
  readonly seals: SealInput[] = [];
  readonly settles: SettleInput[] = [];
  readonly tools: ToolInput[] = [];
  script: Step[] = [];
  /** What every step beyond the script answers. */
  otherwise: Step | undefined;
  sealing: ((input: SealInput) => SealResult | Promise<SealResult>) | undefined;
  settling: ((input: SettleInput) => SettleResult | Promise<SettleResult>) | undefined;
  executing: ((input: ToolInput) => TurnOutcome | Promise<void> | void) | undefined;
  recording: ((facts: readonly Fact[]) => Promise<void> | void) | undefined;

  async callModel(input: ModelStepInput): Promise<ModelStepResult> {
    this.steps.push(input);
    const step = this.script.shift() ?? this.otherwise;
    if (!step)
      throw ApplicationFailure.nonRetryable('the script has no answer for this step', 'internal');
    return step(input);
  }

  async sealStep(input: SealInput): Promise<SealResult> {
    this.seals.push(input);
    return (
      this.sealing?.(input) ?? { outcome: input.error ? 'failed' : 'interrupted', spend: NO_SPEND }
    );
  }

  async settleToolCall(input: SettleInput): Promise<SettleResult> {
    this.settles.push(input);
    return (
      this.settling?.(input) ?? {
        state: 'settled',
        outcome: input.giveUp ? 'timed_out' : 'completed',
      }
    );
  }

  async record(_sessionId: string, facts: readonly Fact[]): Promise<void> {
    await this.recording?.(facts);
    this.batches.push(facts.length);
    for (const fact of facts)
      if (!this.facts.some(({ key }) => key === fact.key)) this.facts.push(fact);
  }

  async executeTool(input: ToolInput): Promise<{ callId: CallId; outcome: 'completed' }> {
    this.tools.push(input);
    await this.executing?.(input);
    return { callId: input.callId, outcome: 'completed' };
  }

  /** The data of the facts of one type, in order. */
  factsOf<T extends EventType>(type: T) {
    return this.facts.flatMap(({ event }) => (event.type === type ? [event.data as never] : []));
  }

  get factTypes(): EventType[] {
    return this.facts.map(({ event }) => event.type);
  }

  /** The ids of the messages that each step accepted. */
  get accepted(): string[][] {
    return this.steps.map(({ messages }) => messages.map(({ messageId }) => messageId));
  }
}
