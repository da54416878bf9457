import type { KeyRow, Keys } from '../../journal/port.ts';
import { PerdureError } from '../../contracts/perdure-error.ts';
import { hashSecret, isSecret } from './secret.ts';

/**
 * Another process's revocation is obeyed within this time; the own process's at once. A stream that is opened at its end is found by the
 * next look at revoked keys (sweeper.ts): both together stay below the 5 s of docs/security.md.
 */
const FRESH_MS = 2_500;
/** With the journal down, keys seen lately go on working for this long. */
const STALE_MS = 600_000;
const MAX_KEYS = 10_000;

interface Entry {
  readonly row: KeyRow;
  readonly at: number;
}

/** Looks keys up, with a small memory that saves a query a request and carries callers over a journal's failure. */
export class Keyring {
  readonly #keys: Keys;
  readonly #cache = new Map<string, Entry>();
  readonly #revoked = new Map<string, KeyRow>();

  constructor(keys: Keys) {
    this.#keys = keys;
  }

  /** @returns undefined where the key is malformed, unknown or revoked */
  async find(secret: string): Promise<KeyRow | undefined> {
    if (!isSecret(secret)) return undefined;
    const hash = hashSecret(secret);
    const known = this.#cache.get(hash);
    if (known && Date.now() - known.at < FRESH_MS) return known.row;
    try {
      return this.#remember(hash, await this.#keys.findByHash(hash));
    } catch (error) {
      if (known && isJournalDown(error) && Date.now() - known.at < STALE_MS) return known.row;
      throw error;
    }
  }

  /** Whether the key was right when it was last looked up, so that it is no guess. */
  knows(secret: string): boolean {
    return this.#cache.has(hashSecret(secret));
  }

  /** Whose key it was, of one that was just not found because it is revoked. */
  revoked(secret: string): KeyRow | undefined {
    return this.#revoked.get(hashSecret(secret));
  }

  /** Forgets everything, so that a change of keys holds from the next request on. */
  forget(): void {
    this.#cache.clear();
  }

  #remember(hash: string, row: KeyRow | undefined): KeyRow | undefined {
    this.#cache.delete(hash);
    if (row && row.revokedAt !== null) keep(this.#revoked, hash, row);
    if (!row || row.revokedAt !== null) return undefined;
    keep(this.#cache, hash, { row, at: Date.now() });
    return row;
  }
}

function keep<T>(all: Map<string, T>, hash: string, each: T): void {
  if (all.size >= MAX_KEYS) all.delete(all.keys().next().value ?? '');
  all.set(hash, each);
}

export const isJournalDown = (error: unknown): boolean =>
  error instanceof PerdureError && error.code === 'journal_unavailable';
