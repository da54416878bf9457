/** Tells running attempts that they may no longer write, so that a stop reaches the provider's call within milliseconds. */
import { sql } from 'kysely';
import type { SessionId } from '../contracts/ids.ts';
import { compareFence } from './operations/fence.ts';
import type { Attempt } from './port.ts';
import { recordset } from './recordset.ts';
import { reach } from './store.ts';
import type { Store } from './store.ts';
import type { StepRecord } from './tables.ts';
import { stepKey } from './write/session-draft.ts';

type Closed = 'sealed' | 'superseded';
interface Waiting {
  readonly attempt: Attempt;
  resolve(closed: Closed): void;
}
type StepRow = Pick<StepRecord, 'turn' | 'step' | 'state' | 'scheduled_at' | 'temporal_attempt'> & {
  id: SessionId;
};

export class Closing {
  readonly #store: Store;
  readonly #waiting = new Map<SessionId, Set<Waiting>>();
  readonly #asked = new Set<SessionId>();
  #asking = false;

  constructor(store: Store) {
    this.#store = store;
  }

  async whenClosed(attempt: Attempt, signal: AbortSignal): Promise<Closed | 'aborted'> {
    if (signal.aborted) return 'aborted';
    const { promise, resolve } = Promise.withResolvers<Closed | 'aborted'>();
    const waiting: Waiting = { attempt, resolve };
    const aborted = () => resolve('aborted');
    signal.addEventListener('abort', aborted);
    this.#add(waiting);
    // It may be closed already.
    this.closed(attempt.sessionId);
    try {
      return await promise;
    } finally {
      signal.removeEventListener('abort', aborted);
      this.#remove(waiting);
    }
  }

  closed(sessionId: SessionId): void {
    if (!this.#waiting.has(sessionId)) return;
    this.#asked.add(sessionId);
    this.#ask();
  }

  missed(): void {
    for (const sessionId of this.#waiting.keys()) this.#asked.add(sessionId);
    this.#ask();
  }

  #add(waiting: Waiting): void {
    const { sessionId } = waiting.attempt;
    const others = this.#waiting.get(sessionId);
    if (others) others.add(waiting);
    else this.#waiting.set(sessionId, new Set([waiting]));
  }

  #remove(waiting: Waiting): void {
    const { sessionId } = waiting.attempt;
    const others = this.#waiting.get(sessionId)!;
    others.delete(waiting);
    if (others.size === 0) this.#waiting.delete(sessionId);
  }

  #ask(): void {
    if (this.#asking || this.#asked.size === 0) return;
    this.#asking = true;
    void this.#askAll();
  }

  async #askAll(): Promise<void> {
    try {
      while (this.#asked.size > 0) await this.#askOnce();
    } catch (error) {
      // A refused write or the slow poll tells them.
      this.#store.log.warn(
        { error: (error as Error).message },
        'cannot read which attempts were closed',
      );
    } finally {
      this.#asking = false;
    }
  }

  /** One statement for everybody who asked in the meantime. */
  async #askOnce(): Promise<void> {
    const asked = [...this.#waiting].filter(([sessionId]) => this.#asked.has(sessionId));
    const waiting = asked.flatMap(([, others]) => [...others]);
    this.#asked.clear();
    const names = waiting.map(({ attempt }) => ({
      id: attempt.sessionId,
      turn: attempt.turn,
      step: attempt.step,
    }));
    const from = recordset(this.#store.dialect, names, {
      id: 'text',
      turn: 'text',
      step: 'integer',
    });
    const { rows } = await reach(this.#store, (db) =>
      sql<StepRow>`select s.id, t.turn, t.step, t.state, t.scheduled_at, t.temporal_attempt
        from ${from} join sessions s on s.id = r.id join steps t on t.session_key = s.key and t.turn = r.turn and t.step = r.step`.execute(
        db,
      ),
    );
    const found = new Map(rows.map((row) => [`${row.id}/${stepKey(row)}`, row]));
    for (const one of waiting) {
      const closed = closedState(
        one.attempt,
        found.get(`${one.attempt.sessionId}/${stepKey(one.attempt)}`),
      );
      if (closed) one.resolve(closed);
    }
  }
}

function closedState(attempt: Attempt, row: StepRow | undefined): Closed | undefined {
  if (row?.state === 'sealed') return 'sealed';
  return row && compareFence(attempt.fence, row) < 0 ? 'superseded' : undefined;
}
