/** What a session decides between its steps: what the next one gets, whether a limit is reached, whether the run is long. Pure. */
import type { Allowance, ModelStepInput } from '../../contracts/activities.ts';
import { errorInfo, ERRORS, type ErrorCode, type ErrorInfo } from '../../contracts/errors.ts';
import type { SessionLimits } from '../../contracts/limits.ts';
import { totalTokens, type Spend } from '../../contracts/usage.ts';
import type { OpenTurn, Session } from './state.ts';

/** Nothing can be smaller than nothing: an overspent limit leaves 0. */
const left = (limit: number | null, spent: number): number =>
  limit === null ? Infinity : Math.max(0, limit - spent);

const finite = (value: number): number | null => (value === Infinity ? null : value);

/** What is left for the next step: the smaller of the turn's and the session's. Undefined is unlimited. */
export function allowance(session: Session, turnSpend: Spend): Allowance | undefined {
  const { limits, spend } = session;
  const tokens = finite(
    Math.min(
      left(limits.tokensPerTurn, totalTokens(turnSpend.usage)),
      left(limits.tokensPerSession, totalTokens(spend.usage)),
    ),
  );
  const usd = finite(
    Math.min(left(limits.usdPerTurn, turnSpend.costUsd), left(limits.usdPerSession, spend.costUsd)),
  );
  return tokens === null && usd === null ? undefined : { tokens, usd };
}

export interface LimitReached {
  readonly outcome: 'limit_exceeded' | 'budget_exhausted';
  readonly error: ErrorInfo;
}

/** Whether the turn may go on after the step that has just ended. */
export function limitReached(session: Session, turn: OpenTurn): LimitReached | undefined {
  const { stepsPerTurn } = session.limits;
  if (turn.step >= stepsPerTurn) {
    const message = `The turn took ${turn.step} steps, and ${stepsPerTurn} are allowed.`;
    return { outcome: 'limit_exceeded', error: errorInfo('limit_exceeded', message) };
  }
  const rest = allowance(session, turn.spend);
  if (rest?.tokens !== 0 && rest?.usd !== 0) return undefined;
  // The same words as `callModel`'s, which looks before a step where this looks after one.
  const outcome = rest.tokens === 0 ? 'limit_exceeded' : 'budget_exhausted';
  const what = rest.tokens === 0 ? 'tokens are' : 'money is';
  const message = `What the turn or the session may spend is spent: no ${what} left.`;
  return { outcome, error: errorInfo(outcome, message) };
}

const ofSession = (limits: SessionLimits): Pick<Allowance, 'session'> => {
  const { tokensPerSession: tokens, usdPerSession: usd } = limits;
  return tokens === null && usd === null ? {} : { session: { tokens, usd } };
};

/** Content-only: an absent field costs nothing in the history of every turn. */
export function stepInput(session: Session, turn: OpenTurn): ModelStepInput {
  const rest = allowance(session, turn.spend);
  return {
    sessionId: session.start.sessionId,
    turn: turn.id,
    step: turn.step,
    messages: turn.incoming,
    ...(session.model === undefined ? {} : { model: session.model }),
    ...(rest === undefined ? {} : { allowance: { ...rest, ...ofSession(session.limits) } }),
    ...(turn.step === 1 ? {} : { turnSpend: turn.spend }),
  };
}

/** A run always gets somewhere before it continues as new, whatever the configuration says. */
const SHORTEST_RUN_EVENTS = 30;

export interface HistoryInfo {
  readonly historyLength: number;
  readonly continueAsNewSuggested: boolean;
}

export const isLong = (limits: SessionLimits, info: HistoryInfo): boolean =>
  info.continueAsNewSuggested ||
  info.historyLength >= Math.max(limits.historyEvents, SHORTEST_RUN_EVENTS);

/** A failure that is not the program's own word means that it is lost: a time-out of Temporal's, a worker that goes away. */
export const commandFailureCode = (type: string | undefined | null): ErrorCode =>
  typeof type === 'string' && Object.hasOwn(ERRORS, type) ? (type as ErrorCode) : 'runner_lost';

/** Why a step failed for good, for the event; `type` is the failure's own, which is one of our codes or an SDK's word. */
export function failureInfo(type: string | undefined | null, message: string): ErrorInfo {
  const code =
    typeof type === 'string' && Object.hasOwn(ERRORS, type) ? (type as ErrorCode) : 'internal';
  return errorInfo(code, message);
}
