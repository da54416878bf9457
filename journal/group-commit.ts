/**
 * All writes to sessions go through here, one per journal: what arrives while a commit is under way is committed together, in one
 * transaction with a few statements, which cost two exchanges with the database.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { SessionId } from '../contracts/ids.ts';
import type { PerdureEvent } from '../contracts/events.ts';
import { PerdureError } from '../contracts/perdure-error.ts';
import { AttemptClosed } from './port.ts';
import { explain, retrying } from './store.ts';
import type { Store } from './store.ts';
import { flush } from './write/flush.ts';
import { load } from './write/load.ts';
import type { Loaded, Needs } from './write/load.ts';
import type { SessionDraft } from './write/session-draft.ts';

/** A pure step from the loaded rows to the changed ones. It throws before it changes anything, or not at all. */
export interface Operation<T> {
  readonly needs: Needs;
  apply(draft: SessionDraft): T;
}

export interface Urgency {
  /** Waits for no further company and goes before what is not urgent, but never before earlier writes of its own session. */
  readonly urgent: boolean;
  /** How long a journal that cannot be reached is tried again. */
  readonly patienceMs: number;
}

/** Operations in one transaction: more would hold the sessions' locks for too long. */
const MAX_BATCH = 500;
/** A batch of this size means load: the next one waits a little for company, which costs less than many small commits. */
const LOAD_BATCH = 16;
const GATHER_MS = 4;
const FIRST_RETRY_MS = 50;
const MAX_RETRY_MS = 1_000;
/** Where writes fail and work goes on, the next one fails sooner than this. */
const FAILING_MS = 10_000;

interface Item extends Urgency {
  readonly operation: Operation<unknown>;
  readonly submittedAt: number;
  resolve(value: unknown): void;
  reject(error: unknown): void;
}

type Outcome = { readonly value: unknown } | { readonly error: unknown };

export class GroupCommit {
  readonly #store: Store;
  #queue: Item[] = [];
  #running: Promise<void> | undefined;
  #lastBatch = 0;
  #retryMs = FIRST_RETRY_MS;
  #closing = false;
  #failure: { readonly error: unknown; readonly at: number } | undefined;
  /** Ends the wait for company. */
  #hurry: () => void = () => {};

  constructor(store: Store) {
    this.#store = store;
  }

  submit<T>(operation: Operation<T>, urgency: Urgency): Promise<T> {
    if (this.#closing)
      return Promise.reject(new PerdureError('journal_unavailable', 'The journal is closed.'));
    return new Promise<T>((resolve, reject) => {
      const settle = resolve as (value: unknown) => void;
      this.#queue.push({ ...urgency, operation, submittedAt: Date.now(), resolve: settle, reject });
      if (urgency.urgent) this.#hurry();
      this.#running ??= this.#run();
    });
  }

  /** @throws journal_unavailable where the last commit failed a moment ago: a full disk lets statements through that change nothing */
  check(): void {
    const failure = this.#failure;
    if (failure && this.#store.now() - failure.at < FAILING_MS)
      throw explain(this.#store, failure.error);
  }

  /** Writes what was submitted; nothing can be submitted afterwards. */
  async close(): Promise<void> {
    this.#closing = true;
    this.#hurry();
    await this.#running;
  }

  async #run(): Promise<void> {
    // What is submitted in the same tick goes into the same transaction.
    await Promise.resolve();
    while (this.#queue.length > 0) {
      await this.#gather();
      const batch = this.#take();
      this.#lastBatch = batch.length;
      await this.#commit(batch);
    }
    this.#running = undefined;
  }

  async #gather(): Promise<void> {
    if (this.#lastBatch < LOAD_BATCH || this.#closing || this.#queue.some((item) => item.urgent))
      return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, GATHER_MS);
    this.#hurry = resolve;
    await promise;
    clearTimeout(timer);
    this.#hurry = () => {};
  }

  #take(): Item[] {
    const urgent = new Set(this.#queue.filter((item) => item.urgent).map(sessionOf));
    const first = this.#queue.filter((item) => urgent.has(sessionOf(item)));
    const others = this.#queue.filter((item) => !urgent.has(sessionOf(item)));
    const ordered = [...first, ...others];
    this.#queue = ordered.slice(MAX_BATCH);
    return ordered.slice(0, MAX_BATCH);
  }

  async #commit(batch: readonly Item[]): Promise<void> {
    try {
      const outcomes = await this.#write(batch);
      this.#retryMs = FIRST_RETRY_MS;
      this.#failure = undefined;
      for (const [index, item] of batch.entries()) settle(item, outcomes[index]!);
    } catch (error) {
      await this.#recover(batch, error);
    }
  }

  async #write(batch: readonly Item[]): Promise<readonly Outcome[]> {
    let written: Written | undefined;
    const startedAt = performance.now();
    try {
      const loading = load(
        this.#store,
        batch.map((item) => item.operation.needs),
      );
      await retrying(this.#store, () => {
        written = undefined;
        return this.#store.batch(loading.queries, (answers) => {
          written = applyAll(batch, loading.loaded(answers));
          return flush(this.#store, written.drafts);
        });
      });
    } catch (error) {
      // Nothing was committed unless the writes and the commit were under way.
      if (!written || !(await this.#wasCommitted(written, error))) throw error;
    }
    const { drafts, outcomes } = written!;
    const ms = performance.now() - startedAt;
    this.#tell(() => this.#publish(drafts));
    this.#tell(() =>
      this.#store.onBatch?.({
        operations: batch.length,
        ms,
        events: drafts.flatMap((draft) => draft.events.map(({ event }) => event)),
      }),
    );
    return outcomes;
  }

  /** The batch is committed: a listener's failure must not have it written again. */
  #tell(listener: () => void): void {
    try {
      listener();
    } catch (error) {
      this.#store.log.warn({ error }, 'a listener of the journal failed');
    }
  }

  /** Where the connection broke in a commit only the database knows: writing again would write twice. */
  async #wasCommitted({ transaction }: Written, error: unknown): Promise<boolean> {
    if (transaction === undefined || this.#store.faultOf(error) !== 'unavailable') return false;
    const committed = await this.#store.committed?.(transaction);
    if (committed === undefined) throw new CommitUnknown(error);
    return committed;
  }

  #publish(drafts: readonly SessionDraft[]): void {
    const events = new Map<SessionId, PerdureEvent[]>();
    for (const draft of drafts) {
      if (draft.events.length > 0)
        events.set(
          draft.sessionId,
          draft.events.map(({ event }) => event),
        );
    }
    const where = (holds: (draft: SessionDraft) => boolean) =>
      drafts.filter(holds).map((draft) => draft.sessionId);
    const closed = where((draft) => draft.closed);
    const remote = where((draft) => draft.remote);
    this.#store.changes.publish({ events, closed, remote });
  }

  async #recover(batch: readonly Item[], error: unknown): Promise<void> {
    const fault = this.#store.faultOf(error);
    if (fault === 'unavailable' || fault === 'retry') return this.#postpone(batch, error);
    const unknown = error instanceof CommitUnknown;
    // Whose fault it is shows by halving: nobody else's write fails for it.
    if (!unknown && batch.length > 1) {
      const middle = Math.ceil(batch.length / 2);
      await this.#commit(batch.slice(0, middle));
      return this.#commit(batch.slice(middle));
    }
    for (const item of batch) item.reject(unknown ? error : explain(this.#store, error));
  }

  async #postpone(batch: readonly Item[], error: unknown): Promise<void> {
    this.#failure = { error, at: this.#store.now() };
    const patient = (item: Item) =>
      !this.#closing && Date.now() - item.submittedAt < item.patienceMs;
    const kept = batch.filter(patient);
    for (const item of batch) if (!kept.includes(item)) item.reject(explain(this.#store, error));
    if (kept.length === 0) return;
    this.#store.log.warn(
      { waiting: kept.length, error: (error as Error).message },
      'the journal cannot be written, trying again',
    );
    await delay(this.#retryMs);
    this.#retryMs = Math.min(MAX_RETRY_MS, this.#retryMs * 2);
    this.#queue = [...kept, ...this.#queue];
  }
}

interface Written {
  readonly drafts: readonly SessionDraft[];
  readonly outcomes: readonly Outcome[];
  readonly transaction: string | undefined;
}

function applyAll(batch: readonly Item[], { drafts, transaction }: Loaded): Written {
  const outcomes = batch.map(({ operation }) =>
    applied(operation, drafts.get(operation.needs.sessionId)),
  );
  return { drafts: [...drafts.values()], outcomes, transaction };
}

/** Whether the writes are there is for a later attempt to find out. */
class CommitUnknown extends PerdureError {
  constructor(cause: unknown) {
    super('journal_unavailable', "The journal's database was lost while it committed.", { cause });
  }
}

const sessionOf = (item: Item): SessionId => item.operation.needs.sessionId;

function applied(operation: Operation<unknown>, draft: SessionDraft | undefined): Outcome {
  try {
    if (!draft)
      throw new PerdureError('not_found', `There is no session ${operation.needs.sessionId}.`);
    return { value: operation.apply(draft) };
  } catch (error) {
    // Refusals concern this operation alone; anything else is a bug, and rolls the transaction back.
    if (error instanceof AttemptClosed || error instanceof PerdureError) return { error };
    throw error;
  }
}

function settle(item: Item, outcome: Outcome): void {
  if ('error' in outcome) item.reject(outcome.error);
  else item.resolve(outcome.value);
}
