import { Context } from '@temporalio/activity';

/** Our own deadline passes before Temporal's: a slow provider is an answer, not an attempt lost. */
const OWN_SHARE = 0.95;

/** Aborts when the activity is cancelled, and a little before its limit. */
export const ownDeadline = (limitMs: number): AbortSignal =>
  AbortSignal.any([Context.current().cancellationSignal, AbortSignal.timeout(limitMs * OWN_SHARE)]);
