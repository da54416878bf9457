/**
 * The activities of one session, in memory: the model is a script, and what the journal would keep is kept in plain sight.
 * It runs out loudly: a step without an answer fails the test's turn for good.
 */
import { ApplicationFailure } from '@temporalio/common';
import type {
  ApprovalInput,
  AuthenticateInput,
  ApprovalResult,
  CommandInput,
  CommandResult,
  Fact,
  ModelStepInput,
  ModelStepResult,
  ProgramActivities,
  ProgramRef,
  ProgramStart,
  SealInput,
  SealResult,
  SessionActivities,
  SettleInput,
  SettleResult,
  ToolActivities,
  ToolInput,
} from '../../../contracts/activities.ts';
import type { Authenticated } from '../../../contracts/authentication.ts';
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

/** One that a person is asked about first. */
export const askedCall = (over: Partial<ToolCallRef> = {}): AskedCall => ({
  ...toolCall({ mode: 'worker', ...over }),
  approval: { approvalId: newId('apr'), waitMs: 86_400_000, ...over.approval },
});
export type AskedCall = ToolCallRef & Required<Pick<ToolCallRef, 'approval'>>;

export type Command = (input: CommandInput) => CommandResult | Promise<CommandResult>;

export class ScriptedWorld implements SessionActivities, ToolActivities, ProgramActivities {
  readonly starts: ProgramStart[] = [];
  readonly commands: CommandInput[] = [];
  /** Ids of programs. */
  readonly terminated: string[] = [];
  commandScript: Command[] = [];
  authenticating: ((input: AuthenticateInput) => Authenticated) | undefined;
  starting: ((input: ProgramStart) => ProgramRef | Promise<ProgramRef>) | undefined;
  /** Of the worker process that has the programs. */
  programQueue = '';
  readonly steps: ModelStepInput[] = [];
  readonly facts: Fact[] = [];
  /** How many facts each record carried. */
  readonly batches: number[] = [];
  readonly seals: SealInput[] = [];
  readonly settles: SettleInput[] = [];
  readonly tools: ToolInput[] = [];
  readonly asks: ApprovalInput[] = [];
  /** How each approval ended: the first decision stays, as in the journal's row. */
  readonly approvals = new Map<string, Extract<ApprovalResult, { state: 'settled' }>>();
  script: Step[] = [];
  /** What every step beyond the script answers. */
  otherwise: Step | undefined;
  sealing: ((input: SealInput) => SealResult | Promise<SealResult>) | undefined;
  settling: ((input: SettleInput) => SettleResult | Promise<SettleResult>) | undefined;
  executing: ((input: ToolInput) => TurnOutcome | Promise<void> | void) | undefined;
  /** Instead of settling: what the journal would refuse, or how long it takes. */
  approving:
    | ((input: ApprovalInput) => ApprovalResult | undefined | Promise<ApprovalResult | undefined>)
    | undefined;
  /** Whether there is a place among the tenant's open sessions, of which there may be so many. */
  placing: ((most: number) => boolean | Promise<boolean>) | undefined;
  recording: ((facts: readonly Fact[]) => Promise<void> | void) | undefined;

  async authenticate(input: AuthenticateInput): Promise<Authenticated> {
    return this.authenticating?.(input) ?? { ...input, strategy: 'command', attempts: [] };
  }

  async startProgram(input: ProgramStart): Promise<ProgramRef> {
    this.starts.push(input);
    const queue = this.programQueue;
    return this.starting?.(input) ?? { provider: input.provider, programId: newId('run'), queue };
  }

  async executeCommand(input: CommandInput): Promise<CommandResult> {
    this.commands.push(input);
    const command = this.commandScript.shift();
    if (!command)
      throw ApplicationFailure.nonRetryable(
        'the script has no answer for this command',
        'internal',
      );
    return command(input);
  }

  async terminateProgram(programId: string): Promise<void> {
    this.terminated.push(programId);
  }

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

  async settleApproval(input: ApprovalInput): Promise<ApprovalResult> {
    this.asks.push(input);
    const instead = await this.approving?.(input);
    if (instead) return instead;
    const { approvalId, decision, expired } = input;
    const before = this.approvals.get(approvalId);
    if (before || (!decision && !expired)) return before ?? { state: 'open' };
    const outcome = !decision
      ? 'expired'
      : decision.decision === 'approve'
        ? 'approved'
        : 'rejected';
    const settled = { state: 'settled', outcome, decisionId: decision?.id ?? null } as const;
    this.approvals.set(approvalId, settled);
    return settled;
  }

  async record(_sessionId: string, facts: readonly Fact[]): Promise<void> {
    await this.recording?.(facts);
    this.batches.push(facts.length);
    for (const fact of facts)
      if (!this.facts.some(({ key }) => key === fact.key)) this.facts.push(fact);
  }

  async takePlace(_sessionId: string, most: number): Promise<boolean> {
    return (await this.placing?.(most)) ?? true;
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
