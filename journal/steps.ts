/** Steps of turns: who may write, what was written. */
import { appendEvents, addSummary, failAttempt, finishStep } from './operations/attempt.ts';
import { chargeAborted } from './operations/charge.ts';
import { claimStep } from './operations/claim.ts';
import { sealStep } from './operations/seal.ts';
import type { Closing } from './closing.ts';
import type { GroupCommit, Urgency } from './group-commit.ts';
import type { StepStore } from './port.ts';

/** A journal that is gone for this long in mid-stream aborts the call (design: one message, end to end). */
const PATIENCE_MS = 30_000;
/** Deltas: may wait a few milliseconds for company. */
const GATHERED: Urgency = { urgent: false, patienceMs: PATIENCE_MS };
/** Facts that somebody waits for. */
const AT_ONCE: Urgency = { urgent: true, patienceMs: PATIENCE_MS };
/** Temporal repeats these by itself. */
const REPEATED: Urgency = { urgent: true, patienceMs: 0 };

export const steps = (commits: GroupCommit, closing: Closing): StepStore => ({
  claim: (claim) => commits.submit(claimStep(claim), REPEATED),
  append: (attempt, events, begun) =>
    commits.submit(appendEvents(attempt, events, begun), GATHERED),
  finish: (attempt, settlement) => commits.submit(finishStep(attempt, settlement), AT_ONCE),
  fail: (attempt, failure) => commits.submit(failAttempt(attempt, failure), AT_ONCE),
  summarize: (attempt, summary) => commits.submit(addSummary(attempt, summary), AT_ONCE),
  chargeAborted: (attempt, spend) => commits.submit(chargeAborted(attempt, spend), AT_ONCE),
  seal: (input) => commits.submit(sealStep(input), REPEATED),
  whenClosed: (attempt, signal) => closing.whenClosed(attempt, signal),
});
