/** How far a running tool is, for whoever watches: at a bounded rate, since each report is a row of the log. */
import { cleanText } from '../../contracts/clean-text.ts';

/** Between two reports; a tool may say more, the newest is what counts. */
const EVERY_MS = 500;
const MAX_CHARACTERS = 1_000;

export interface ProgressReport {
  readonly message: string;
  /** 0 to 1. */
  readonly fraction?: number | undefined;
}

function reportOf(message: string, fraction: number | undefined): ProgressReport {
  const text = cleanText(message.slice(0, MAX_CHARACTERS));
  const known = typeof fraction === 'number' && Number.isFinite(fraction);
  return known
    ? { message: text, fraction: Math.min(1, Math.max(0, fraction)) }
    : { message: text };
}

export class Progress implements Disposable {
  readonly #write: (report: ProgressReport) => Promise<boolean>;
  #waiting: ProgressReport | undefined;
  #busy = false;
  #timer: NodeJS.Timeout | undefined;
  #ended = false;

  /** @param write answers false where nobody wants to know any more; what it throws is not worth a tool */
  constructor(write: (report: ProgressReport) => Promise<boolean>) {
    this.#write = write;
  }

  readonly report = (message: string, fraction?: number): void => {
    if (this.#ended) return;
    this.#waiting = reportOf(message, fraction);
    if (!this.#busy) void this.#next();
  };

  async #next(): Promise<void> {
    const report = this.#waiting;
    this.#waiting = undefined;
    this.#busy = report !== undefined;
    if (!report) return;
    const wanted = await this.#write(report).catch(() => true);
    if (!wanted) this[Symbol.dispose]();
    if (!this.#ended) this.#timer = setTimeout(() => void this.#next(), EVERY_MS);
  }

  [Symbol.dispose](): void {
    this.#ended = true;
    clearTimeout(this.#timer);
  }
}
