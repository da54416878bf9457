import type { SessionId } from '../../contracts/ids.ts';
import { PerdureError } from '../../contracts/perdure-error.ts';
import { isClosed } from '../../contracts/session-state.ts';
import type { SessionRow, SessionStore } from '../../journal/port.ts';
import { isJournalDown } from '../auth/keyring.ts';
import { sees, type Principal } from '../auth/principal.ts';

const REMEMBERED = 10_000;

/** Finds sessions for those who may see them. Everybody else is told what they would be told of an unknown id. */
export class SessionAccess {
  readonly #store: SessionStore;
  /** The last rows seen: with the journal down, commands to these sessions still work. */
  readonly #rows = new Map<SessionId, SessionRow>();

  constructor(store: SessionStore) {
    this.#store = store;
  }

  /** @throws not_found, also where the session is another tenant's or user's; journal_unavailable */
  async find(principal: Principal, sessionId: SessionId): Promise<SessionRow> {
    return visible(principal, sessionId, await this.#read(sessionId));
  }

  /** Like {@link find}, but falls back to the row as it was last seen. */
  async findForCommand(principal: Principal, sessionId: SessionId): Promise<SessionRow> {
    try {
      return await this.find(principal, sessionId);
    } catch (error) {
      const known = this.#rows.get(sessionId);
      if (known && isJournalDown(error)) return visible(principal, sessionId, known);
      throw error;
    }
  }

  remember(row: SessionRow): void {
    this.#rows.delete(row.sessionId);
    // Most sessions that were ever seen have ended, and only a reopen could need their rows.
    if (isClosed(row.state)) return;
    this.#rows.set(row.sessionId, row);
    const oldest = this.#rows.keys().next().value;
    if (this.#rows.size > REMEMBERED && oldest) this.#rows.delete(oldest);
  }

  /** It was told to stop. */
  forget(sessionId: SessionId): void {
    this.#rows.delete(sessionId);
  }

  async #read(sessionId: SessionId): Promise<SessionRow | undefined> {
    const row = await this.#store.get(sessionId);
    if (row) this.remember(row);
    return row;
  }
}

function visible(
  principal: Principal,
  sessionId: SessionId,
  row: SessionRow | undefined,
): SessionRow {
  if (row && sees(principal, row)) return row;
  throw new PerdureError('not_found', `There is no session ${sessionId}.`);
}
