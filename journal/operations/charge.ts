/**
 * What calls cost that are cut off, and so never say what they used: estimated by the seal at once, by their worker a moment later; and by
 * the next attempt where their worker has gone.
 */
import { estimateTokens } from '../../contracts/token-estimate.ts';
import { addSpend, costOf, NO_SPEND, NO_USAGE } from '../../contracts/usage.ts';
import type { Spend, Usage } from '../../contracts/usage.ts';
import type { Operation } from '../group-commit.ts';
import type { Attempt, BegunCall } from '../port.ts';
import type { StepRecord } from '../tables.ts';
import { stepKey } from '../write/session-draft.ts';
import type { Place, SessionDraft } from '../write/session-draft.ts';

/** The call of a step's newest attempt, with what it was charged so far. Null in the row where there is none, or it has said what it used. */
interface OpenCall extends BegunCall {
  readonly charged: Spend;
  /** Its beginning is in the log: it is no summary's. Absent in rows that were last written before there was this field. */
  readonly answers?: boolean;
}

export const openCall = (call: BegunCall, { answers }: { answers: boolean }): string =>
  JSON.stringify({ ...call, charged: NO_SPEND, answers } satisfies OpenCall);

/** `model.started` is in the log, and no `model.settled` for it yet. */
export const isAnswering = (row: StepRecord): boolean => openCallOf(row)?.answers === true;

const openCallOf = (row: StepRecord): OpenCall | undefined =>
  row.open_call === null ? undefined : (JSON.parse(row.open_call) as OpenCall);

/** `spend` added to what the step cost before. */
export const withSpend = (row: StepRecord, spend: Spend): string =>
  JSON.stringify(addSpend(spendOf(row), spend));

export const spendOf = (row: StepRecord): Spend => JSON.parse(row.spend) as Spend;

/**
 * Charges the step's open call for its request and for `text`. Without it whoever interrupts in time would pay nothing, and the limits
 * would never be reached: the workflow goes on before the worker has said anything.
 * @returns the row, which the caller puts
 */
export function chargeCutOff(
  draft: SessionDraft,
  row: StepRecord,
  { text, fact }: { text: string; fact?: string },
): StepRecord {
  const call = openCallOf(row);
  if (!call) return row;
  const usage: Usage = {
    ...NO_USAGE,
    inputTokens: call.inputTokens,
    outputTokens: text === '' ? 0 : estimateTokens(text),
  };
  const total = { usage, costUsd: costOf(usage, call.prices) };
  return chargeRest(draft, row, { call, total, ...(fact === undefined ? {} : { fact }) });
}

const lostFact = (attempt: Pick<StepRecord, 'turn' | 'step' | 'number'>): string =>
  `lost:${stepKey(attempt)}/${attempt.number}`;

/**
 * The same for the call of an attempt that another one replaces: its worker is gone, and most often without a word. One that said what its
 * call had used is not charged again; one that comes back later finds its call charged.
 * @returns the row, which the caller puts
 */
export function chargeLost(draft: SessionDraft, row: StepRecord): StepRecord {
  const said = openCallOf(row)?.charged;
  if (said && !isNothing(said)) return row;
  const text = draft
    .streamed(row)
    .map((delta) => delta.text)
    .join('');
  return chargeCutOff(draft, row, { text, fact: lostFact(row) });
}

const isNothing = ({ usage, costUsd }: Spend): boolean =>
  costUsd === 0 && Object.values(usage).every((tokens) => tokens === 0);

/** Adds to what the call was charged what is missing to `total`. */
function chargeRest(
  draft: SessionDraft,
  row: StepRecord,
  { call, total, fact }: { call: OpenCall; total: Spend; fact?: string },
): StepRecord {
  const rest = missing(total, call.charged);
  if (isNothing(rest)) return row;
  const { provider, model } = call;
  draft.append(
    { turn: row.turn, step: row.step, attempt: row.number, fact },
    { type: 'usage.recorded', data: { provider, model, ...rest, estimated: true } },
  );
  const charged = addSpend(call.charged, rest);
  return { ...row, spend: withSpend(row, rest), open_call: JSON.stringify({ ...call, charged }) };
}

/** Estimates err on the high side; what was charged is not given back. */
function missing({ usage, costUsd }: Spend, charged: Spend): Spend {
  const left = (name: keyof Usage) => Math.max(0, usage[name] - charged.usage[name]);
  return {
    usage: {
      inputTokens: left('inputTokens'),
      outputTokens: left('outputTokens'),
      cachedInputTokens: left('cachedInputTokens'),
      reasoningTokens: left('reasoningTokens'),
    },
    costUsd: Math.max(0, costUsd - charged.costUsd),
  };
}

/** After the step was closed, so without its fence: the fact's key makes a repeat a no-op. */
export function chargeAborted(
  attempt: Attempt,
  { usage, costUsd, provider, model }: Spend & Pick<BegunCall, 'provider' | 'model'>,
): Operation<void> {
  const fact = `aborted:${stepKey(attempt)}/${attempt.number}`;
  const lost = lostFact(attempt);
  const total = { usage, costUsd };
  return {
    needs: { sessionId: attempt.sessionId, steps: [attempt], facts: [fact, lost] },
    apply(draft) {
      if (draft.facts.has(fact) || draft.facts.has(lost)) return;
      const row = draft.step(attempt);
      const isNewest = row?.number === attempt.number;
      // It has said what it used.
      if (isNewest && row.state === 'finished') return;
      const call = isNewest ? openCallOf(row) : undefined;
      if (row && call) return draft.putStep(chargeRest(draft, row, { call, total, fact }));
      if (row) draft.putStep({ ...row, spend: withSpend(row, total) });
      const place: Place = { turn: attempt.turn, step: attempt.step, attempt: attempt.number };
      const data = { provider, model, ...total, estimated: true };
      draft.append({ ...place, fact }, { type: 'usage.recorded', data });
    },
  };
}
