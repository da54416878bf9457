/** Looks, a few times and no more, for whom a call waits that no runner takes, and says so once. */
import { setTimeout as sleep } from 'node:timers/promises';
import type {
  ConversationView,
  FollowStep,
  KnownRunner,
  PerdureClient,
} from '../../client/index.ts';
import type { PerdureEvent } from '../../contracts/events.ts';
import { takenBy, unclaimedIn, waitingFor } from './runner-wait.ts';
import type { Told } from './runner-wait.ts';

/** After the one before. A runner that is there takes a call within moments: then nobody asks. The last look is when the API no longer counts one as there that has gone. */
const LOOKS: readonly Look[] = [
  { afterMs: 500, late: false },
  { afterMs: 2_500, late: true },
  { afterMs: 42_000, late: true },
];

export interface Look {
  readonly afterMs: number;
  readonly late: boolean;
}

export interface Watched {
  readonly client: PerdureClient;
  readonly sessionId: string;
  /** Aborts when the session is left. */
  readonly left: AbortSignal;
  readonly say: (line: string) => void;
  /** {@link LOOKS} where absent. */
  readonly looks?: readonly Look[];
}

export class RunnerWatch {
  readonly #watched: Watched;
  #over: AbortController | undefined;
  #told: Told | undefined;
  #runners: readonly KnownRunner[] = [];

  constructor(watched: Watched) {
    this.#watched = watched;
  }

  step({ event, view }: FollowStep): void {
    if (event.type === 'tool.started') this.#started(event, view);
    this.update(view);
  }

  update(view: ConversationView): void {
    const waits = unclaimedIn(view).length > 0;
    if (waits === (this.#over !== undefined)) return;
    this.#over?.abort();
    this.#over = waits ? new AbortController() : undefined;
    this.#told = undefined;
    // What cannot be found out is not worth an error: the session goes on without it.
    if (this.#over) this.#look(this.#over.signal).catch(() => undefined);
  }

  async #look(over: AbortSignal): Promise<void> {
    const signal = AbortSignal.any([over, this.#watched.left]);
    for (const { afterMs, late } of this.#watched.looks ?? LOOKS) {
      await sleep(afterMs, undefined, { signal, ref: false });
      const told = await this.#waitsFor(late, signal);
      if (signal.aborted) return;
      if (told && told.what !== this.#told?.what) this.#watched.say(told.text);
      this.#told = told ?? this.#told;
      if (told?.what === 'away') return;
    }
  }

  async #waitsFor(late: boolean, signal: AbortSignal): Promise<Told | undefined> {
    const { client, sessionId } = this.#watched;
    const [{ calls }, runners] = await Promise.all([
      client.call((trpc, call) => trpc.tool.pending.query({ sessionId }, call), signal),
      client.runners.list({ signal }),
    ]);
    this.#runners = runners;
    const call = calls.find(({ mode, state }) => mode === 'remote' && state === 'offered');
    return call?.runner ? waitingFor({ selector: call.runner, runners, late }) : undefined;
  }

  #started(
    { data }: Extract<PerdureEvent, { type: 'tool.started' }>,
    view: ConversationView,
  ): void {
    if (!this.#told) return;
    const calls = view.turns.at(-1)?.steps.at(-1)?.calls ?? [];
    const call = calls.find(({ callId }) => callId === data.callId);
    if (call?.mode !== 'remote') return;
    this.#told = undefined;
    this.#watched.say(takenBy(call.name, data.runner, this.#runners));
  }
}
