/** Tokens at rest: sealed before they reach the journal, opened after. */
import type { CredentialRow, CredentialStore, Renewal } from '../../journal/port.ts';
import { INSTALLATION_TENANT } from '../../contracts/credentials.ts';
import type { Strategy } from '../../contracts/authentication.ts';
import type { ActivityLog } from '../observed.ts';
import { AuthFailure } from './failure.ts';
import type { SecretBox } from './secret-box.ts';

/** What is in a sealed secret. */
export interface Sealed {
  /** Absent where only a refresh token is known, or nothing any more. */
  readonly accessToken?: string | undefined;
  readonly lifetimeMs?: number | null | undefined;
  readonly refreshToken?: string | undefined;
  /** Digest of the refresh token in the environment that all this came from: another one there begins anew. */
  readonly seed?: string | undefined;
  /** Digest of the device code by which a person signed in for it: the same sign-in is stored once. */
  readonly login?: string | undefined;
  /** Its refresh token was sent, and nobody knows what became of it. */
  readonly spent?: true | undefined;
}

export interface Stored {
  readonly content: Sealed;
  /** Something is stored, and no key of this worker opens it. */
  readonly unreadable?: true | undefined;
  readonly version: number;
  readonly expiresInMs: number | null;
}

export interface VaultParts {
  readonly store: CredentialStore;
  /** Undefined where no key is set. */
  readonly box: SecretBox | undefined;
  readonly log: ActivityLog;
}

export class Vault {
  readonly #store: CredentialStore;
  readonly #box: SecretBox | undefined;
  readonly #log: ActivityLog;

  constructor({ store, box, log }: VaultParts) {
    this.#store = store;
    this.#box = box;
    this.#log = log;
  }

  /** @returns version 0 with nothing in it where nothing is stored yet. @throws {AuthFailure} `misconfigured` without a key */
  async read(name: string): Promise<Stored> {
    const box = this.#requireBox();
    const row = await this.#store.get(placeOf(name));
    if (!row) return { content: {}, version: 0, expiresInMs: null };
    const { version, expiresInMs } = row;
    const content = await this.#open(box, row);
    const unreadable = content === undefined;
    return { content: content ?? {}, version, expiresInMs, ...(unreadable && { unreadable }) };
  }

  /** As {@link CredentialStore.claim}. */
  claim(
    name: string,
    renewal: Renewal & { readonly strategy: Strategy; readonly claimMs: number },
  ): ReturnType<CredentialStore['claim']> {
    return this.#store.claim(placeOf(name), renewal);
  }

  settle(name: string, renewal: Renewal, content: Sealed): Promise<boolean> {
    const secret = this.#requireBox().seal(JSON.stringify(content), placeOf(name));
    // Without an access token it is nothing that could be used.
    const expiresInMs = content.accessToken === undefined ? 0 : (content.lifetimeMs ?? null);
    return this.#store.settle(placeOf(name), renewal, { secret, expiresInMs });
  }

  /** As {@link CredentialStore.replace}. */
  replace(name: string, strategy: Strategy, content: Sealed): Promise<void> {
    const secret = this.#requireBox().seal(JSON.stringify(content), placeOf(name));
    const expiresInMs = content.lifetimeMs ?? null;
    return this.#store.replace(placeOf(name), { strategy, secret, expiresInMs });
  }

  /** For what travels through Temporal and is stored nowhere else. @throws {AuthFailure} `misconfigured` without a key */
  sealLogin(name: string, text: string): string {
    return this.#requireBox().seal(text, loginOf(name));
  }

  /** @returns undefined where no key of this worker opens it */
  openLogin(name: string, sealed: string): string | undefined {
    return this.#requireBox().open(sealed, loginOf(name))?.text;
  }

  release(name: string, renewal: Renewal): Promise<void> {
    return this.#store.release(placeOf(name), renewal);
  }

  expire(name: string, version: number): Promise<void> {
    return this.#store.expire(placeOf(name), version);
  }

  async #open(
    box: SecretBox,
    { secret, version, name }: CredentialRow,
  ): Promise<Sealed | undefined> {
    if (secret === null) return {};
    const opened = box.open(secret, placeOf(name));
    if (!opened) {
      this.#log.warn(
        { credential: name },
        'a stored token cannot be decrypted and is not used: give the key of before in PERDURE_OLD_SECRET_KEYS',
      );
      return undefined;
    }
    if (opened.outdated)
      await this.#store.reseal(placeOf(name), version, box.seal(opened.text, placeOf(name)));
    return JSON.parse(opened.text) as Sealed;
  }

  #requireBox(): SecretBox {
    if (this.#box) return this.#box;
    throw new AuthFailure(
      'misconfigured',
      'its tokens would be stored, and PERDURE_SECRET_KEY is not set for the worker: give all workers the same 32 bytes in base64 (openssl rand -base64 32)',
    );
  }
}

const placeOf = (name: string) => ({ tenant: INSTALLATION_TENANT, name });
/** No credential's name has a colon: it opens as nothing that is stored. */
const loginOf = (name: string) => placeOf(`login:${name}`);
