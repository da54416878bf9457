import type { KeyId } from '../../contracts/ids.ts';
import { PerdureError } from '../../contracts/perdure-error.ts';
import type { Principal } from '../auth/principal.ts';
import type { Settings } from '../../config/settings.ts';
import type { ApiMetrics } from '../metrics.ts';

/** What a refused client is told to wait. */
const RETRY_AFTER_MS = 5_000;

type Limits = Pick<Settings['api'], 'maxConnections' | 'maxConnectionsPerUser'>;

interface Open {
  readonly principal: Principal;
  /** Ends the connection from our side. */
  readonly close: () => void;
}

/** Open event streams and sockets: counted, limited, and closed when their key is revoked. */
export class Connections {
  readonly #limits: Limits;
  readonly #metrics: ApiMetrics;
  readonly #open = new Set<Open>();
  readonly #perUser = new Map<string, number>();

  constructor(limits: Limits, metrics: ApiMetrics) {
    this.#limits = limits;
    this.#metrics = metrics;
  }

  get size(): number {
    return this.#open.size;
  }

  /**
   * Counts a connection in. @returns what counts it out; calling it twice is harmless
   * @throws too_many_connections
   */
  admit(principal: Principal, close: () => void): () => void {
    const user = `${principal.tenant}\n${principal.user}`;
    const ofUser = this.#perUser.get(user) ?? 0;
    this.#refuseBeyond(ofUser);
    const open = { principal, close };
    this.#open.add(open);
    this.#perUser.set(user, ofUser + 1);
    this.#metrics.connections.set(this.#open.size);
    return () => {
      if (!this.#open.delete(open)) return;
      const left = (this.#perUser.get(user) ?? 1) - 1;
      if (left > 0) this.#perUser.set(user, left);
      else this.#perUser.delete(user);
      this.#metrics.connections.set(this.#open.size);
    };
  }

  /** Of all connections that are open; the local owner's have none. */
  keyIds(): readonly KeyId[] {
    const ids = Array.from(this.#open, ({ principal }) => principal.keyId);
    return [...new Set(ids.filter((keyId) => keyId !== null))];
  }

  closeOfKey(keyId: KeyId): void {
    for (const { principal, close } of this.#open) if (principal.keyId === keyId) close();
  }

  closeAll(): void {
    for (const { close } of this.#open) close();
  }

  #refuseBeyond(ofUser: number): void {
    const { maxConnections, maxConnectionsPerUser } = this.#limits;
    if (this.#open.size >= maxConnections)
      throw tooMany(`This server has ${maxConnections} open streams, the most it takes`);
    if (ofUser >= maxConnectionsPerUser)
      throw tooMany(`You have ${maxConnectionsPerUser} open streams, the most a user may have`);
  }
}

const tooMany = (what: string): PerdureError =>
  new PerdureError('too_many_connections', `${what}: close some, or try again later.`, {
    retryAfterMs: RETRY_AFTER_MS,
  });
