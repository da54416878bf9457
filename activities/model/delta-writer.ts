/**
 * Carries streamed text into the journal: the first delta at once, later ones gathered, one append in flight. The provider's stream
 * waits while too much is pending. A journal that cannot be reached is tried again for a while.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { ContentKind, NewEvent, PerdureEvent } from '../../contracts/events.ts';
import { PerdureError } from '../../contracts/perdure-error.ts';
import { AttemptClosed } from '../../journal/port.ts';
import type { Attempt, BegunCall, Journal } from '../../journal/port.ts';
import type { StopReason } from '../liveness.ts';

/** Least time between two appends of one stream: below what a person sees as jerky. */
const GATHER_MS = 25;
/** A pending amount that is written without waiting. */
const GATHER_CHARACTERS = 2_048;
/** More than this pending makes the provider's stream wait. */
const BACKPRESSURE_CHARACTERS = 65_536;
/** Longer than a database takes to fail over, shorter than a person waits. */
const JOURNAL_PATIENCE_MS = 30_000;
const FIRST_RETRY_MS = 100;
const LONGEST_RETRY_MS = 2_000;

type Delta = Extract<NewEvent, { type: 'content.delta' }>;
type Started = Extract<NewEvent, { type: 'model.started' }>;
type Streamed = Delta | Started;

export interface DeltaWriterOptions {
  readonly journal: Journal;
  readonly attempt: Attempt;
  /** Written with `model.started`, so that a seal can charge the call. */
  readonly begun: BegunCall;
  /** Number of the last event known before this attempt wrote: where to look after a write of unknown fate. */
  readonly lastSeq: number;
  /** A journal gone for so long in mid-stream aborts the call. */
  readonly patienceMs?: number | undefined;
  /** Told once when nothing more can be written. */
  readonly onStop: (reason: StopReason, cause: unknown) => void;
}

/** What of an attempt is in the journal after a write of unknown fate. */
interface Found {
  readonly characters: number;
  readonly started: boolean;
}

/** What of a batch is not in the journal yet. */
function without(batch: readonly Streamed[], found: Found): Streamed[] {
  let left = found.characters;
  return batch.flatMap((event): Streamed[] => {
    if (event.type === 'model.started') return found.started ? [] : [event];
    const { kind, text } = event.data;
    const rest = text.slice(left);
    left = Math.max(0, left - text.length);
    return rest === '' ? [] : [{ type: 'content.delta', data: { kind, text: rest } }];
  });
}

const isUnreachable = (error: unknown): boolean =>
  error instanceof PerdureError && error.code === 'journal_unavailable';

const stopReasonOf = (error: unknown): StopReason =>
  error instanceof AttemptClosed
    ? error.reason === 'superseded'
      ? 'superseded'
      : 'sealed'
    : 'journal';

export class DeltaWriter {
  readonly #options: DeltaWriterOptions;
  #pending: Streamed[] = [];
  #pendingCharacters = 0;
  #lastSeq: number;
  #writing: Promise<void> | undefined;
  #urgent = Promise.withResolvers<void>();
  /** Set once nothing is to be written any more. */
  #ended = false;
  /** When the last append with text began; never, so far. */
  #wroteAt = -Infinity;
  #startTimer: NodeJS.Timeout | undefined;

  constructor(options: DeltaWriterOptions) {
    this.#options = options;
    this.#lastSeq = options.lastSeq;
  }

  /** Not waited for. A model that answers at once has it written along with its first token, which would else wait behind it. */
  start(event: Started): void {
    this.#pending.push(event);
    this.#startTimer = setTimeout(() => this.#wake(), GATHER_MS);
  }

  /** Resolves when the stream may go on; undefined where it need not wait. */
  push(kind: ContentKind, text: string): Promise<void> | undefined {
    if (text === '' || this.#ended) return undefined;
    const last = this.#pending.at(-1);
    if (last?.type === 'content.delta' && last.data.kind === kind) last.data.text += text;
    else this.#pending.push({ type: 'content.delta', data: { kind, text } });
    this.#pendingCharacters += text.length;
    if (this.#pendingCharacters >= GATHER_CHARACTERS) this.#urgent.resolve();
    this.#wake();
    return this.#pendingCharacters > BACKPRESSURE_CHARACTERS ? this.#writing : undefined;
  }

  /** Waits for the append in flight (its failure is told to `onStop`) and returns what was not written: it goes into the step's last transaction. */
  async close(): Promise<Streamed[]> {
    this.end();
    await this.#writing;
    return this.#pending;
  }

  /** Writes nothing more; an append in flight is left to itself. */
  end(): void {
    clearTimeout(this.#startTimer);
    this.#ended = true;
    this.#urgent.resolve();
  }

  /** With nothing to write, a write would end before it is remembered, and so be remembered for good. */
  #wake(): void {
    if (this.#pending.length > 0) this.#writing ??= this.#write();
  }

  async #write(): Promise<void> {
    try {
      while (this.#pending.length > 0 && !this.#ended) {
        await this.#gather();
        if (this.#ended) return;
        if (this.#pendingCharacters > 0) this.#wroteAt = performance.now();
        await this.#append();
      }
    } catch (error) {
      this.#ended = true;
      this.#options.onStop(stopReasonOf(error), error);
    } finally {
      this.#writing = undefined;
    }
  }

  async #gather(): Promise<void> {
    const wait = this.#wroteAt + GATHER_MS - performance.now();
    if (wait <= 0 || this.#pendingCharacters >= GATHER_CHARACTERS) return;
    const timer = new AbortController();
    const pause = sleep(wait, undefined, { signal: timer.signal });
    await Promise.race([pause.catch(() => undefined), this.#urgent.promise]);
    timer.abort();
  }

  async #append(): Promise<void> {
    let batch = this.#pending;
    this.#pending = [];
    this.#pendingCharacters = 0;
    this.#urgent = Promise.withResolvers();
    const giveUpAt = Date.now() + (this.#options.patienceMs ?? JOURNAL_PATIENCE_MS);
    for (let wait = FIRST_RETRY_MS; batch.length > 0;) {
      try {
        this.#lastSeq = await this.#send(batch);
        return;
      } catch (error) {
        if (!isUnreachable(error) || Date.now() + wait > giveUpAt) throw error;
        await sleep(wait);
        wait = Math.min(wait * 2, LONGEST_RETRY_MS);
        batch = await this.#reconcile(batch);
      }
    }
  }

  #send(batch: readonly Streamed[]): Promise<number> {
    const { journal, attempt, begun } = this.#options;
    const starts = batch.some(({ type }) => type === 'model.started');
    return journal.steps.append(attempt, batch, starts ? begun : undefined);
  }

  /** A connection may die after the commit: what is in the journal already must not be written twice. */
  async #reconcile(batch: Streamed[]): Promise<Streamed[]> {
    try {
      return without(batch, await this.#foundAfter(this.#lastSeq));
    } catch (error) {
      if (isUnreachable(error)) return batch;
      throw error;
    }
  }

  async #foundAfter(after: number): Promise<Found> {
    const { journal, attempt } = this.#options;
    let characters = 0;
    let started = false;
    for (let from = after; ;) {
      const page = await journal.events.read(attempt.sessionId, {
        after: from,
        limit: 1_000,
        types: ['content.delta', 'model.started'],
      });
      for (const event of page.events) {
        if (!isOf(event, attempt)) continue;
        if (event.type === 'model.started') started = true;
        if (event.type === 'content.delta') characters += event.data.text.length;
      }
      if (page.nextAfter <= from) {
        this.#lastSeq = from;
        return { characters, started };
      }
      from = page.nextAfter;
    }
  }
}

const isOf = (event: PerdureEvent, attempt: Attempt): boolean =>
  event.turn === attempt.turn && event.step === attempt.step && event.attempt === attempt.number;
