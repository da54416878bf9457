/** What one attempt of a model step knows: made once after the claim, read everywhere below. */
import type { ModelStepInput } from '../../contracts/activities.ts';
import type { AgentSettings } from '../../contracts/settings.ts';
import type { Spend, Usage } from '../../contracts/usage.ts';
import { NO_SPEND, addSpend, costOf } from '../../contracts/usage.ts';
import type { Attempt, BegunCall, ClaimResult, SessionRow } from '../../journal/port.ts';
import type { ActivityDependencies } from '../dependencies.ts';
import type { Authenticator } from '../auth/authenticator.ts';
import type { Liveness } from '../liveness.ts';
import type { ArgumentChecker } from '../tools/arguments.ts';
import type { Breakers } from './breakers.ts';
import type { RowCounts } from './context/measure.ts';
import type { TranscriptCache } from './context/transcript-cache.ts';
import type { Corrections } from './context/tokens.ts';
import type { ModelTimeouts } from './deadlines.ts';
import type { CallableModel, ModelResolver } from './providers.ts';
import type { AskModel } from './stream-answer.ts';

/** A worker's memory beside the journal: nothing in it is needed for correctness, and all of it is bounded. */
export interface WorkerMemory {
  readonly breakers: Breakers;
  readonly corrections: Corrections;
  readonly rowCounts: RowCounts;
  readonly transcripts: TranscriptCache;
  readonly checker: ArgumentChecker;
  readonly resolve: ModelResolver;
  readonly authenticator: Authenticator;
  readonly ask: AskModel;
}

export type Claimed = Extract<ClaimResult, { state: 'claimed' }>;

export interface ModelStep {
  readonly deps: ActivityDependencies;
  readonly memory: WorkerMemory;
  readonly input: ModelStepInput;
  readonly claim: Claimed;
  readonly attempt: Attempt;
  readonly session: SessionRow;
  readonly agent: AgentSettings;
  /** Name of the model of this attempt. */
  readonly modelName: string;
  /** Its place among the agent's models. */
  readonly modelIndex: number;
  /** The next one to try when it fails for good. */
  readonly fallbackName: string | undefined;
  readonly liveness: Liveness;
  /** When the whole attempt must have ended, epoch milliseconds. */
  readonly deadlineAt: number;
  /** Spent on the way by this attempt (summaries), and in the journal already. */
  extraSpend: Spend;
  /** What a summary may have cost whose call is under way, or was broken off: nothing has said it to the journal. */
  unsaid: (() => Spend) | undefined;
}

/** What the journal is told of a call before it begins, so that it can be charged whatever happens to it. */
export function begunCall(
  { provider, name, settings }: CallableModel,
  inputTokens: number,
): BegunCall {
  const { inputUsdPerMTok, outputUsdPerMTok } = settings;
  return { provider, model: name, inputTokens, prices: { inputUsdPerMTok, outputUsdPerMTok } };
}

export const spendOf = (model: CallableModel, usage: Usage): Spend => ({
  usage,
  costUsd: costOf(usage, model.settings),
});

/** What the step has spent: its earlier attempts, this one's summaries, and `spend`. */
export const stepSpend = (step: ModelStep, spend: Spend = NO_SPEND): Spend =>
  addSpend(addSpend(step.claim.spend, step.extraSpend), spend);

/** What the turn has spent when this step adds `spend`. */
export const turnSpend = (step: ModelStep, spend: Spend = NO_SPEND): Spend =>
  addSpend(step.input.turnSpend ?? NO_SPEND, stepSpend(step, spend));

/** The deadlines of a call that begins now. */
export const timeoutsOf = (step: ModelStep): ModelTimeouts => ({
  ...step.deps.timeouts,
  modelAttemptMs: Math.max(1, step.deadlineAt - Date.now()),
});
