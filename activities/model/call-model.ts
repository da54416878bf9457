/** `callModel`: one provider step. Claims it, streams it into the journal, settles it, once, whatever happens in between. */
import { activityInfo } from '@temporalio/activity';
import { ApplicationFailure } from '@temporalio/common';
import type { ModelStepInput, ModelStepResult } from '../../contracts/activities.ts';
import { sha256 } from '../digest.ts';
import { errorInfo } from '../../contracts/errors.ts';
import { MODEL_BUDGET } from '../../contracts/policies.ts';
import { NO_SPEND } from '../../contracts/usage.ts';
import type { Claim, SessionRow } from '../../journal/port.ts';
import { createAuthenticator } from '../auth/create-authenticator.ts';
import type { ActivityDependencies } from '../dependencies.ts';
import { translated } from '../failures.ts';
import { Stopped, watchLiveness } from '../liveness.ts';
import type { Liveness } from '../liveness.ts';
import { ArgumentChecker } from '../tools/arguments.ts';
import { runAttempt } from './attempt.ts';
import { Breakers } from './breakers.ts';
import { RowCounts } from './context/measure.ts';
import { Corrections } from './context/tokens.ts';
import { TranscriptCache } from './context/transcript-cache.ts';
import type { Claimed, ModelStep, WorkerMemory } from './model-step.ts';
import { createModelResolver } from './providers.ts';
import { failureSettlement, NO_CALL } from './settlement.ts';
import { streamAnswer } from './stream-answer.ts';

const memoryOf = (deps: ActivityDependencies): WorkerMemory => ({
  breakers: new Breakers((provider, open) => deps.metrics?.circuit(provider, open)),
  corrections: new Corrections(),
  rowCounts: new RowCounts(),
  transcripts: new TranscriptCache(),
  checker: new ArgumentChecker(),
  resolve: deps.models ?? createModelResolver(deps.catalogue, deps.secrets),
  authenticator: deps.authenticator ?? createAuthenticator(deps),
  ask: deps.ask ?? streamAnswer,
});

function claimOf(input: ModelStepInput): Claim {
  const { currentAttemptScheduledTimestampMs: scheduledAt, attempt } = activityInfo();
  const { sessionId, turn, step, messages, model } = input;
  return {
    sessionId,
    turn,
    step,
    messages,
    fence: { scheduledAt, attempt },
    inputDigest: sha256(JSON.stringify([turn, step, model ?? null, messages])),
  };
}

const noSession = (id: string): ApplicationFailure =>
  ApplicationFailure.create({
    type: 'state_corrupt',
    message: `the journal has no session ${id}`,
    nonRetryable: true,
  });

/** Our own deadline passes before Temporal's: a slow model is the provider's failure, not an attempt lost. */
const OWN_SHARE = 0.98;

interface StepParts {
  readonly deps: ActivityDependencies;
  readonly memory: WorkerMemory;
  readonly input: ModelStepInput;
  readonly claim: Claimed;
  readonly session: SessionRow;
  readonly liveness: Liveness;
}

function stepOf(parts: StepParts): ModelStep {
  const { deps, claim, session, input } = parts;
  const { agents, defaultAgent, defaultModel } = deps.catalogue;
  // An agent that was renamed must not strand its sessions.
  const agent = agents[session.agent] ?? agents[defaultAgent];
  if (!agent) throw noSession(session.sessionId);
  const first = input.model ?? (session.model || agent.model || defaultModel);
  const models = [first, ...agent.fallbackModels.filter((name) => name !== first)];
  const index = Math.min(claim.modelIndex, models.length - 1);
  return {
    ...parts,
    deadlineAt: Date.now() + deps.timeouts.modelAttemptMs * OWN_SHARE,
    attempt: claim.attempt,
    agent,
    modelName: models[index] ?? first,
    fallbackName: models[index + 1],
    modelIndex: index,
    extraSpend: NO_SPEND,
    unsaid: undefined,
  };
}

async function giveUpInterrupted(step: ModelStep): Promise<ModelStepResult> {
  const error = errorInfo(
    'worker_unavailable',
    `The step was interrupted ${step.claim.interruptions} times by workers going away.`,
  );
  const settlement = failureSettlement(step, error, NO_CALL);
  await step.deps.journal.steps.finish(step.attempt, settlement);
  return settlement.result;
}

async function run(
  deps: ActivityDependencies,
  memory: WorkerMemory,
  input: ModelStepInput,
): Promise<ModelStepResult> {
  using liveness = watchLiveness(deps.timeouts.heartbeatThrottleMs);
  const { sessions, steps } = deps.journal;
  const [claim, seen] = await Promise.all([
    steps.claim(claimOf(input)),
    sessions.get(input.sessionId),
  ]);
  if (claim.state === 'finished') return claim.result;
  if (claim.state === 'superseded') throw new Stopped('superseded');
  // The claim may have charged what the attempt before left unsaid.
  const session = claim.attempt.number > 1 ? await sessions.get(input.sessionId) : seen;
  if (!session) throw noSession(input.sessionId);
  const step = stepOf({ deps, memory, input, claim, session, liveness });
  if (claim.interruptions >= MODEL_BUDGET.interruptions) return giveUpInterrupted(step);
  liveness.stopWhen((done) => steps.whenClosed(step.attempt, done));
  return await runAttempt(step);
}

/** Its Temporal policy has unlimited attempts: the two budgets are in the step's row. */
export function createCallModel(
  deps: ActivityDependencies,
): (input: ModelStepInput) => Promise<ModelStepResult> {
  const memory = memoryOf(deps);
  return translated((input) => run(deps, memory, input));
}
