/** What a program prints beside its answer, on its way into the log as `command.output`: gathered, and no more of it than a person reads. */
import type { NewEvent } from '../../contracts/events.ts';
import type { Attempt, Journal } from '../../journal/port.ts';
import { TextCleaner } from '../model/clean-text.ts';
import { redactAll } from '../model/redaction.ts';

/** Of one message. */
const MAX_CHARACTERS = 32_768;
const GATHER_MS = 250;
const CUT = '\n[The rest of what the program printed is left out.]\n';

type Stream = 'stdout' | 'stderr';

export interface AsidesParts {
  readonly journal: Journal;
  readonly attempt: Attempt;
  /** Values that the program was given and may print. */
  readonly secrets: readonly string[];
}

export class Asides {
  readonly #parts: AsidesParts;
  readonly #cleaners = { stdout: new TextCleaner(), stderr: new TextCleaner() };
  readonly #pending = { stdout: '', stderr: '' };
  #left = MAX_CHARACTERS;
  #timer: NodeJS.Timeout | undefined;
  #writing: Promise<unknown> = Promise.resolve();

  constructor(parts: AsidesParts) {
    this.#parts = parts;
  }

  add(stream: Stream, text: string): void {
    if (this.#left <= 0) return;
    const clean = this.#cleaners[stream].push(text);
    const kept = clean.length > this.#left ? clean.slice(0, this.#left) + CUT : clean;
    this.#left -= clean.length;
    this.#pending[stream] += kept;
    this.#timer ??= setTimeout(() => this.#write(), GATHER_MS);
  }

  /** What was not written: it goes into the step's last transaction. */
  async close(): Promise<readonly NewEvent[]> {
    this.end();
    await this.#writing;
    return this.#take();
  }

  /** Writes nothing more. */
  end(): void {
    clearTimeout(this.#timer);
    this.#left = 0;
  }

  #write(): void {
    this.#timer = undefined;
    const events = this.#take();
    const { journal, attempt } = this.#parts;
    // Not worth a failure: a closed attempt is told to the answer's own writer.
    const write = () => journal.steps.append(attempt, events).catch(() => undefined);
    if (events.length > 0) this.#writing = this.#writing.then(write);
  }

  #take(): NewEvent[] {
    const events = (['stdout', 'stderr'] as const).flatMap((stream): NewEvent[] => {
      const text = redactAll(this.#pending[stream], this.#parts.secrets);
      this.#pending[stream] = '';
      return text === '' ? [] : [{ type: 'command.output', data: { stream, text } }];
    });
    return events;
  }
}
