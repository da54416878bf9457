/** One attempt of a claimed step: the call, and what becomes of it. */
import { activityInfo } from '@temporalio/activity';
import { ApplicationFailure, ApplicationFailureCategory } from '@temporalio/common';
import type { Allowance, ModelStepResult } from '../../contracts/activities.ts';
import type { ErrorInfo } from '../../contracts/errors.ts';
import { errorInfo } from '../../contracts/errors.ts';
import type { NewEvent } from '../../contracts/events.ts';
import { PerdureError } from '../../contracts/perdure-error.ts';
import { MODEL_BUDGET } from '../../contracts/policies.ts';
import type { Spend } from '../../contracts/usage.ts';
import { NO_SPEND, addSpend } from '../../contracts/usage.ts';
import { AttemptClosed } from '../../journal/port.ts';
import type { StepSettlement } from '../../journal/port.ts';
import { Stopped } from '../liveness.ts';
import { CircuitOpen } from './breakers.ts';
import { Call } from './call.ts';
import { prepareRequest } from './context/prepare.ts';
import type { ModelFailure } from './failure.ts';
import { classifyFailure, isUnbilled, SignInFailed } from './failure.ts';
import type { ModelStep } from './model-step.ts';
import { stepSpend } from './model-step.ts';
import type { CallableModel } from './providers.ts';
import { keysOf } from './providers.ts';
import { redact } from './redaction.ts';
import {
  failureSettlement,
  failureUsage,
  limitSettlement,
  modelFailed,
  NO_CALL,
} from './settlement.ts';
import type { FailedCall } from './settlement.ts';
import { heldAgainst, reserve } from './allowance.ts';
import { signIn, signInSettled } from './sign-in.ts';
import type { SignedIn } from './sign-in.ts';
import { judge } from './verdict.ts';

/** How often a request that the provider found too long is made shorter, in one attempt. */
const MAX_SQUEEZES = 3;

const UNLIMITED: Allowance = { tokens: null, usd: null };

async function finish(step: ModelStep, settlement: StepSettlement): Promise<ModelStepResult> {
  await step.deps.journal.steps.finish(step.attempt, settlement);
  return settlement.result;
}

/** How far an attempt came, for whoever has to clean up after it. */
interface Progress {
  signedIn?: SignedIn | undefined;
  model?: CallableModel;
  call?: Call;
  /** That the call had begun, where it failed before that was in the log. */
  begun?: readonly NewEvent[];
}

async function answer(step: ModelStep, progress: Progress): Promise<ModelStepResult> {
  const signedIn = (progress.signedIn = await signIn(step));
  const key = signedIn && { value: signedIn.value, bearer: signedIn.version > 0 };
  const model = (progress.model = step.memory.resolve(step.modelName, key));
  const prepared = await prepareRequest(step, model);
  const reservation = reserve(prepared.maxOutputTokens, prepared.inputTokens, {
    allowance: heldAgainst(
      { session: addSpend(step.session.spend, step.extraSpend), step: stepSpend(step) },
      step.input.allowance ?? UNLIMITED,
    ),
    prices: model.settings,
  });
  if (reservation.exhausted && reservation.limitedBy)
    return finish(step, limitSettlement(step, reservation.limitedBy));
  const call = (progress.call = new Call(step, model, { prepared, reservation }));
  return finish(step, await call.run());
}

/** A failure in the provider's own words, without anybody's key. */
function classify(step: ModelStep, error: unknown, signedIn: SignedIn | undefined): ModelFailure {
  const { catalogue, secrets } = step.deps;
  const keys = Object.values(keysOf(catalogue, secrets));
  const failure = classifyFailure(error);
  const message = redact(failure.message, signedIn ? [...keys, signedIn.value] : keys);
  // A token may have been revoked before its end: then another one is tried, once.
  const again = failure.unauthorized && (signedIn?.version ?? 0) > 0 && step.claim.charged === 0;
  return { ...failure, message, retryable: failure.retryable || again === true };
}

/** What the provider thinks of the token, and what there is to say of a sign-in that failed for good. */
async function concludeSignIn(
  step: ModelStep,
  error: unknown,
  { failure, final, signedIn }: { failure: ModelFailure; final: boolean } & Progress,
): Promise<void> {
  if (failure.unauthorized && signedIn)
    await step.memory.authenticator.refused(signedIn.credential, signedIn);
  if (error instanceof SignInFailed && final)
    await step.deps.journal.steps.append(step.attempt, [signInSettled(step, error)]);
}

const infoOf = (failure: ModelFailure): ErrorInfo => ({
  code: failure.code,
  message: failure.message,
  retryable: failure.retryable,
});

const inMs = (ms: number): string => new Date(Date.now() + ms).toISOString();

const retryLater = (type: string, message: string, nextRetryDelay: number): ApplicationFailure =>
  ApplicationFailure.create({
    type,
    message,
    // 0 would mean "as the policy says".
    nextRetryDelay: Math.max(1, Math.ceil(nextRetryDelay)),
    category: ApplicationFailureCategory.BENIGN,
  });

/** Starts over with the next model; its own budget is fresh. */
async function fallBack(step: ModelStep, error: ErrorInfo, failed: FailedCall): Promise<never> {
  const { model, spend } = failed;
  const to = step.fallbackName ?? step.modelName;
  await step.deps.journal.steps.fail(step.attempt, {
    events: [
      ...modelFailed(failed, error),
      ...failureUsage(model, spend),
      { type: 'model.switched', data: { from: step.modelName, to, reason: 'fallback' } },
    ],
    error,
    charged: true,
    modelIndex: step.modelIndex + 1,
    spend,
  });
  throw retryLater('ModelFallback', `${step.modelName} failed, ${to} is next`, 1);
}

/** The provider is known to be down: waiting costs no attempt, but not for ever. */
async function waitForCircuit(step: ModelStep, open: CircuitOpen): Promise<ModelStepResult> {
  const error = errorInfo('model_unavailable', open.message);
  if (step.fallbackName !== undefined) return fallBack(step, error, NO_CALL);
  const waited = Date.now() - activityInfo().scheduledTimestampMs;
  if (waited > MODEL_BUDGET.maxRetryAfterMs)
    return finish(step, failureSettlement(step, error, NO_CALL));
  await step.deps.journal.steps.fail(step.attempt, {
    events: [
      {
        type: 'model.retrying',
        data: { error, failures: step.claim.charged, nextAt: inMs(open.retryInMs) },
      },
    ],
    error,
    charged: false,
  });
  throw retryLater('CircuitOpen', open.message, open.retryInMs);
}

/** Of a call that ended without saying what it used, the answer's or a summary's. */
const unsaidSpend = (step: ModelStep, call: Call | undefined): Spend | undefined =>
  call ? call.estimatedSpend() : step.unsaid?.();

async function afterFailure(
  step: ModelStep,
  error: unknown,
  { model, call, begun = [], signedIn }: Progress,
): Promise<ModelStepResult> {
  if (error instanceof CircuitOpen) return waitForCircuit(step, error);
  const failure = classify(step, error, signedIn);
  if (!failure.charged) throw error;
  const spend = (isUnbilled(error) ? undefined : unsaidSpend(step, call)) ?? NO_SPEND;
  const failed: FailedCall = { ...(model && { model }), spend, begun: call && begun };
  const info = infoOf(failure);
  const { sessionId, turn, step: number } = step.input;
  const where = { sessionId, turn, step: number, attempt: step.attempt.number };
  step.deps.log.warn({ ...where, code: info.code, err: error }, 'model call failed');
  const verdict = judge(failure, {
    charged: step.claim.charged,
    hasFallback: step.fallbackName !== undefined,
    policy: step.deps.policies.model,
  });
  const final = verdict.next !== 'retry';
  await concludeSignIn(step, error, { failure, final, signedIn });
  if (verdict.next === 'fallback') return fallBack(step, info, failed);
  if (verdict.next === 'give-up')
    return finish(step, failureSettlement(step, verdict.error, failed));
  // Recorded as charged before it is thrown: a crash in between must not make it an interruption.
  await step.deps.journal.steps.fail(step.attempt, {
    events: [
      ...modelFailed(failed, info),
      ...failureUsage(model, spend),
      {
        type: 'model.retrying',
        data: { error: info, failures: verdict.failures, nextAt: inMs(verdict.afterMs) },
      },
    ],
    error: info,
    charged: true,
    spend,
  });
  throw retryLater('ModelFailed', `${info.code}: ${info.message}`, verdict.afterMs);
}

/** Somebody or something ended the attempt from outside: what the provider did until then is paid for. */
async function afterStop(step: ModelStep, { model, call }: Progress): Promise<never> {
  call?.end();
  const spend = unsaidSpend(step, call);
  if (model && spend)
    await step.deps.journal.steps
      .chargeAborted(step.attempt, { ...spend, provider: model.provider, model: model.name })
      .catch((error: unknown) =>
        step.deps.log.warn({ sessionId: step.input.sessionId, error }, 'aborted call not charged'),
      );
  throw step.liveness.signal.reason;
}

/** A request that is made again, shorter: its end goes into the log where its beginning is. */
async function endRefused(step: ModelStep, error: unknown, progress: Progress) {
  const { call, begun, signedIn } = progress;
  if (!call || begun?.length !== 0) return;
  const info = infoOf(classify(step, error, signedIn));
  await step.deps.journal.steps.append(step.attempt, modelFailed({ ...NO_CALL, begun }, info));
}

const isTooLong = (error: unknown): boolean => classifyFailure(error).compact === true;

export async function runAttempt(step: ModelStep): Promise<ModelStepResult> {
  for (let squeezes = 0; ; squeezes++) {
    const progress: Progress = {};
    try {
      step.liveness.signal.throwIfAborted();
      return await answer(step, progress);
    } catch (error) {
      if (step.liveness.signal.aborted) return afterStop(step, progress);
      if (progress.call) progress.begun = await progress.call.close();
      if (step.liveness.signal.aborted) return afterStop(step, progress);
      if (error instanceof Stopped || error instanceof AttemptClosed) throw error;
      if (error instanceof PerdureError && error.code === 'journal_unavailable') throw error;
      if (squeezes < MAX_SQUEEZES && progress.model && isTooLong(error)) {
        step.memory.corrections.distrust(progress.model.name);
        step.unsaid = undefined;
        await endRefused(step, error, progress);
        continue;
      }
      return afterFailure(step, error, progress);
    }
  }
}
