/** Which programs nobody will ask any more: a session that was terminated in Temporal says nothing to its program. */
import type { SessionId } from '../../contracts/ids.ts';
import type { ActivityLog } from '../observed.ts';

/** Milliseconds. */
export interface Forgetting {
  /** How often programs are looked at. */
  readonly everyMs: number;
  /** Beyond the session's own idle limit, which ends the program in good order. */
  readonly beyondIdleMs: number;
  /** How often Temporal is asked about each, as an idle limit may be 30 days. */
  readonly askEveryMs: number;
}

export const FORGETTING: Forgetting = {
  everyMs: 30_000,
  beyondIdleMs: 60_000,
  askEveryMs: 300_000,
};

export interface ForgottenParts {
  readonly log: ActivityLog;
  readonly forgetting?: Partial<Forgetting> | undefined;
  /** Whether no run of this session is open in Temporal. Absent: nobody is asked. */
  readonly isOver?: ((sessionId: SessionId) => Promise<boolean>) | undefined;
}

/** What is known of one program's use. */
export class Use {
  readonly #parts: ForgottenParts;
  readonly #sessionId: SessionId;
  readonly #limits: Forgetting;
  #forgottenAt = Infinity;
  #askAt: number;

  constructor(parts: ForgottenParts, sessionId: SessionId) {
    this.#parts = parts;
    this.#sessionId = sessionId;
    this.#limits = { ...FORGETTING, ...parts.forgetting };
    this.#askAt = Date.now() + this.#limits.askEveryMs;
  }

  /** Whether it answers. */
  get busy(): boolean {
    return this.#forgottenAt === Infinity;
  }

  begin(): void {
    this.#forgottenAt = Infinity;
  }

  end(idleMs: number): void {
    this.#forgottenAt = Date.now() + idleMs + this.#limits.beyondIdleMs;
  }

  async isForgotten(): Promise<boolean> {
    const now = Date.now();
    if (now >= this.#forgottenAt) return true;
    if (this.busy || now < this.#askAt) return false;
    this.#askAt = now + this.#limits.askEveryMs;
    return (await this.#isOver()) && !this.busy;
  }

  /** Where Temporal does not say, the program stays. */
  async #isOver(): Promise<boolean> {
    const { isOver, log } = this.#parts;
    const sessionId = this.#sessionId;
    try {
      return (await isOver?.(sessionId)) ?? false;
    } catch (error) {
      log.warn({ err: error, sessionId }, 'Temporal does not say whether a session still runs');
      return false;
    }
  }
}
