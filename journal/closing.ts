/** Tells running attempts that they may no longer write, so that a stop reaches the provider's call within milliseconds. */
import { sql } from 'kysely';
import type { RawBuilder } from 'kysely';
import type { SessionId } from '../contracts/ids.ts';
import { compareFence } from './operations/fence.ts';
import type { Fenced } from './operations/fence.ts';
import type { Attempt, CallRun, Closed } from './port.ts';
import { recordset } from './recordset.ts';
import { reach } from './store.ts';
import type { Store } from './store.ts';

type Watched = Attempt | CallRun;
interface Waiting {
  readonly watched: Watched;
  resolve(closed: Closed): void;
}
interface Row extends Fenced {
  readonly id: SessionId;
  readonly name: string;
  readonly state: string;
}

export class Closing {
  readonly #store: Store;
  readonly #waiting = new Map<SessionId, Set<Waiting>>();
  readonly #asked = new Set<SessionId>();
  #asking = false;

  constructor(store: Store) {
    this.#store = store;
  }

  async whenClosed(watched: Watched, signal: AbortSignal): Promise<Closed | 'aborted'> {
    if (signal.aborted) return 'aborted';
    const { promise, resolve } = Promise.withResolvers<Closed | 'aborted'>();
    const waiting: Waiting = { watched, resolve };
    const aborted = () => resolve('aborted');
    signal.addEventListener('abort', aborted);
    this.#add(waiting);
    // It may be closed already.
    this.closed(watched.sessionId);
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
    const { sessionId } = waiting.watched;
    const others = this.#waiting.get(sessionId);
    if (others) others.add(waiting);
    else this.#waiting.set(sessionId, new Set([waiting]));
  }

  #remove(waiting: Waiting): void {
    const { sessionId } = waiting.watched;
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
    const parts = partsOf(this.#store, waiting);
    if (parts.length === 0) return;
    const { rows } = await reach(this.#store, (db) =>
      sql<Row>`${sql.join(parts, sql` union all `)}`.execute(db),
    );
    const found = new Map(rows.map((row) => [`${row.id}/${row.name}`, row]));
    for (const one of waiting) {
      const { watched } = one;
      const closed = closedState(watched, found.get(`${watched.sessionId}/${nameOf(watched)}`));
      if (closed) one.resolve(closed);
    }
  }
}

const nameOf = (watched: Watched): string =>
  'callId' in watched ? watched.callId : `${watched.turn}/${watched.step}`;

/** The rows of the steps and of the calls that are waited for, each part only where there are any. */
function partsOf({ dialect }: Store, waiting: readonly Waiting[]): RawBuilder<Row>[] {
  const steps: object[] = [];
  const calls: object[] = [];
  for (const { watched } of waiting)
    if ('callId' in watched) calls.push({ id: watched.sessionId, call: watched.callId });
    else steps.push({ id: watched.sessionId, turn: watched.turn, step: watched.step });
  const inSteps = () => recordset(dialect, steps, { id: 'text', turn: 'text', step: 'integer' });
  const inCalls = () => recordset(dialect, calls, { id: 'text', call: 'text' });
  return [
    ...(steps.length === 0
      ? []
      : [
          sql<Row>`select s.id, t.turn || '/' || t.step as name, t.state, t.scheduled_at, t.temporal_attempt
            from ${inSteps()} join sessions s on s.id = r.id join steps t on t.session_key = s.key and t.turn = r.turn and t.step = r.step`,
        ]),
    ...(calls.length === 0
      ? []
      : [
          sql<Row>`select s.id, c.call_id as name, c.state, c.scheduled_at, c.temporal_attempt
            from ${inCalls()} join sessions s on s.id = r.id join tool_calls c on c.session_key = s.key and c.call_id = r.call`,
        ]),
  ];
}

/** A call that somebody else has settled is as closed as a sealed step. */
const CLOSED_STATES: ReadonlySet<string> = new Set(['sealed', 'settled']);

function closedState({ fence }: Watched, row: Row | undefined): Closed | undefined {
  if (!row) return undefined;
  if (CLOSED_STATES.has(row.state)) return 'sealed';
  return compareFence(fence, row) < 0 ? 'superseded' : undefined;
}
