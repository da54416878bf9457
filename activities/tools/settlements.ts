/** How a call ends that has no result, in words for the model and the person. Pure. */
import { errorInfo } from '../../contracts/errors.ts';
import { PerdureError } from '../../contracts/perdure-error.ts';
import type { Effect, ToolSettlement } from '../../contracts/tools.ts';
import { redact } from '../model/redaction.ts';

const UNKNOWN_REASONS = {
  'no-probe': 'It may or may not have taken effect, and was not run again.',
  'not-found-out': 'Whether it took effect could not be found out, and it was not run again.',
  'may-still-run':
    'It has not taken effect so far, but that worker may only be standing still and go on: it was not run again.',
} as const;
export type UnknownReason = keyof typeof UNKNOWN_REASONS;

export const unknownOutcome = (reason: UnknownReason): ToolSettlement => ({
  outcome: 'unknown',
  error: errorInfo(
    'tool_outcome_unknown',
    `The worker went away while the tool ran. ${UNKNOWN_REASONS[reason]}`,
  ),
});

export function timedOut(ms: number, effect: Effect): ToolSettlement {
  const doubt = effect === 'read' ? '' : ' It may or may not have taken effect.';
  const message = `The tool took longer than ${ms / 1_000} s and was stopped.${doubt}`;
  return { outcome: 'timed_out', error: errorInfo('tool_timeout', message) };
}

/** A tool elsewhere may go away in mid-call, as a worker may: then its executor knows no more than this. */
const isInDoubt = (error: unknown): boolean =>
  error instanceof PerdureError && error.code === 'tool_outcome_unknown';

export const failed = (error: unknown): ToolSettlement => ({
  outcome: isInDoubt(error) ? 'unknown' : 'failed',
  error:
    error instanceof PerdureError
      ? error.toInfo()
      : errorInfo('tool_failed', redact(error instanceof Error ? error.message : String(error))),
});
