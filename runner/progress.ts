/** A tool may say a thousand lines a second: one message a second reaches the API, with the newest of them. */
const EVERY_MS = 1_000;
/** Of one message; the API takes no more. */
const MAX_CHARACTERS = 2_000;

type Told = readonly [message: string, fraction: number | undefined];

export interface Progress {
  readonly tell: (message: string, fraction?: number) => void;
  /** Nothing is sent afterwards. */
  readonly end: () => void;
}

/** @param send may fail: progress is no part of the result */
export function boundedProgress(send: (...told: Told) => Promise<void>): Progress {
  let newest: Told | undefined;
  let timer: NodeJS.Timeout | undefined;
  let ended = false;
  const flush = (): void => {
    timer = undefined;
    if (newest === undefined || ended) return;
    const [message, fraction] = newest;
    newest = undefined;
    timer = setTimeout(flush, EVERY_MS);
    send(message.slice(-MAX_CHARACTERS), fraction).catch(() => undefined);
  };
  return {
    tell(message, fraction) {
      if (message === '' || ended) return;
      newest = [message, fraction === undefined ? undefined : Math.min(1, Math.max(0, fraction))];
      if (timer === undefined) flush();
    },
    end() {
      ended = true;
      clearTimeout(timer);
    },
  };
}
