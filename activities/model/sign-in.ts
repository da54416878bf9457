/** The key of a model's provider, where that is a credential's token: resolved before each call, renewed where it ends soon. */
import type { NewEvent } from '../../contracts/events.ts';
import { errorInfo } from '../../contracts/errors.ts';
import { PerdureError } from '../../contracts/perdure-error.ts';
import { Stopped } from '../liveness.ts';
import type { Token } from '../auth/tokens.ts';
import { SignInFailed } from './failure.ts';
import type { ModelStep } from './model-step.ts';

/** A token, and whose it is. */
export interface SignedIn extends Token {
  readonly credential: string;
}

/**
 * Undefined where the provider has a plain key of its own, or none.
 * @throws {SignInFailed}, journal_unavailable, or the reason of the step's end
 */
export async function signIn(step: ModelStep): Promise<SignedIn | undefined> {
  const { providers, models } = step.deps.catalogue;
  const credential = providers[models[step.modelName]?.provider ?? '']?.credential;
  if (credential === undefined) return undefined;
  const { authenticator } = step.memory;
  try {
    const token = await authenticator.token(credential, step.liveness.signal);
    if (token.renewed)
      await step.deps.journal.steps.append(step.attempt, [succeeded(step, credential)]);
    return { ...token, credential };
  } catch (error) {
    if (step.liveness.signal.aborted || error instanceof Stopped || error instanceof PerdureError)
      throw error;
    throw new SignInFailed(credential, authenticator.verdict(credential, error));
  }
}

/** The step's attempts are the ones that count here: each failure is one of the step's three. */
const numberOf = ({ claim }: ModelStep): number => claim.charged + 1;

const common = (step: ModelStep, credential: string) => {
  const strategy = step.memory.authenticator.strategyOf(credential);
  return { credential, ...(strategy && { strategy }) };
};

const succeeded = (step: ModelStep, credential: string): NewEvent => ({
  type: 'auth.settled',
  data: {
    ...common(step, credential),
    outcome: 'succeeded',
    attempts: [{ number: numberOf(step), kind: 'succeeded', reason: '' }],
  },
});

/** For the step's log, once nothing more is tried with this model. */
export const signInSettled = (step: ModelStep, failed: SignInFailed): NewEvent => ({
  type: 'auth.settled',
  data: {
    ...common(step, failed.credential),
    outcome: 'failed',
    attempts: [
      { number: numberOf(step), kind: failed.verdict.kind, reason: failed.verdict.reason },
    ],
    error: errorInfo(
      failed.verdict.retryable ? 'max_attempts_exceeded' : 'auth_failed',
      failed.message,
    ),
  },
});
