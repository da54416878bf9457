/** First token, silence, whole answer: whichever passes first aborts the provider's call. */
import type { TimeLimits } from '../../contracts/limits.ts';
import { ModelTimeout } from './failure.ts';

export interface Deadlines extends Disposable {
  /** Aborts with a {@link ModelTimeout}. */
  readonly signal: AbortSignal;
  /** The model said something. */
  sawPart(): void;
  /** Our own side holds the stream up (backpressure): until the next part, silence does not count. */
  pause(): void;
}

export type ModelTimeouts = Pick<
  TimeLimits,
  'modelFirstTokenMs' | 'modelSilenceMs' | 'modelAttemptMs'
>;

export function startDeadlines(limits: ModelTimeouts): Deadlines {
  const controller = new AbortController();
  const pass = (error: ModelTimeout): void => controller.abort(error);
  const total = setTimeout(
    () => pass(new ModelTimeout('whole answer', limits.modelAttemptMs)),
    limits.modelAttemptMs,
  );
  const first = setTimeout(
    () => pass(new ModelTimeout('first token', limits.modelFirstTokenMs)),
    limits.modelFirstTokenMs,
  );
  let silence: NodeJS.Timeout | undefined;
  let paused = false;
  const onSilence = (): void => {
    if (paused) silence?.refresh();
    else pass(new ModelTimeout('silence', limits.modelSilenceMs));
  };
  return {
    signal: controller.signal,
    sawPart: () => {
      clearTimeout(first);
      paused = false;
      // Refreshed instead of made anew: at 1,000 streams a new timer a token would show.
      if (silence) silence.refresh();
      else silence = setTimeout(onSilence, limits.modelSilenceMs);
    },
    pause: () => {
      paused = true;
    },
    [Symbol.dispose]: () => {
      clearTimeout(total);
      clearTimeout(first);
      clearTimeout(silence);
    },
  };
}
