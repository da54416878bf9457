/** Access tokens that can be used now: remembered, read from the journal, or renewed before they end, by one worker of the fleet at a time. */
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { CredentialSettings } from '../../contracts/credentials.ts';
import type { Renewal } from '../../journal/port.ts';
import type { ActivityLog } from '../observed.ts';
import { AuthFailure, mayHaveHappened } from './failure.ts';
import { persistently } from './persistently.ts';
import { firstRefreshToken, seedOf } from './seed.ts';
import type { Exchange, Tokens as NewTokens } from './strategies/oauth2.ts';
import { needed } from './strategies/strategy.ts';
import type { SecretLookup } from './strategies/strategy.ts';
import type { Sealed, Stored, Vault } from './vault.ts';

/** So long before its end a token is renewed, or half its life where that is shorter. */
const RENEW_BEFORE_MS = 60_000;
/** A claim outlasts every exchange, so that nobody takes over one that is under way. */
const CLAIM_MS = 60_000;
/** How often the others look whether the one has renewed it. */
const LOOK_EVERY_MS = 200;

export interface TokenParts {
  readonly vault: Vault;
  readonly secrets: SecretLookup;
  readonly log: ActivityLog;
  /** From now on the value appears in no log line. */
  readonly hide: (secret: string) => void;
  readonly exchange: (name: string, exchange: Exchange) => Promise<NewTokens>;
}

export interface Wanted {
  readonly name: string;
  readonly credential: CredentialSettings;
  readonly signal: AbortSignal;
  /** Renew it even where it is good. */
  readonly renew?: boolean | undefined;
}

export interface Token {
  readonly value: string;
  readonly version: number;
  /** Whether it was renewed for this caller. */
  readonly renewed: boolean;
}

interface Remembered {
  readonly value: string;
  readonly version: number;
  /** By this process's steady clock. */
  readonly freshUntil: number;
  readonly endsAt: number;
}

export class Tokens {
  readonly #parts: TokenParts;
  readonly #remembered = new Map<string, Remembered>();
  readonly #renewing = new Map<string, Promise<Remembered>>();

  constructor(parts: TokenParts) {
    this.#parts = parts;
  }

  /** @throws {AuthFailure}, or what the exchange throws */
  async get(wanted: Wanted): Promise<Token> {
    const known = await this.#known(wanted);
    if (known && !wanted.renew && performance.now() < known.freshUntil)
      return { ...known, renewed: false };
    const running = this.#renewing.get(wanted.name);
    try {
      const renewed = await (running ?? this.#begin(wanted, known?.version ?? 0));
      return { ...renewed, renewed: running === undefined };
    } catch (error) {
      // Renewed early, so that a failure has time to pass.
      if (known && !wanted.renew && performance.now() < known.endsAt)
        return { ...known, renewed: false };
      throw error;
    }
  }

  /** A provider refused it: the next caller gets another one. */
  async refused(name: string, version: number): Promise<void> {
    if (this.#remembered.get(name)?.version === version) this.#remembered.delete(name);
    await this.#parts.vault.expire(name, version);
  }

  async #known({ name, credential }: Wanted): Promise<Remembered | undefined> {
    const remembered = this.#remembered.get(name);
    if (remembered && performance.now() < remembered.freshUntil) return remembered;
    return this.#remember(name, credential, await this.#parts.vault.read(name));
  }

  #remember(
    name: string,
    credential: CredentialSettings,
    { content, version, expiresInMs }: Stored,
  ): Remembered | undefined {
    const { accessToken, lifetimeMs } = content;
    if (accessToken === undefined || content.seed !== this.#seed(credential)) return undefined;
    this.#hide(content);
    const left = expiresInMs ?? Infinity;
    const margin = Math.min(RENEW_BEFORE_MS, (lifetimeMs ?? Infinity) / 2);
    const now = performance.now();
    const remembered = {
      value: accessToken,
      version,
      freshUntil: now + left - margin,
      endsAt: now + left,
    };
    this.#remembered.set(name, remembered);
    return remembered;
  }

  #begin(wanted: Wanted, stale: number): Promise<Remembered> {
    const renewing = this.#renew(wanted, stale).finally(() => this.#renewing.delete(wanted.name));
    this.#renewing.set(wanted.name, renewing);
    return renewing;
  }

  async #renew(wanted: Wanted, stale: number): Promise<Remembered> {
    const { name, credential, signal } = wanted;
    const { vault } = this.#parts;
    for (;;) {
      signal.throwIfAborted();
      const stored = await vault.read(name);
      const known = this.#remember(name, credential, stored);
      if (known && stored.version > stale && performance.now() < known.freshUntil) return known;
      const renewal = { version: stored.version, holder: randomUUID() };
      const { strategy } = credential;
      const claim = await vault.claim(name, { ...renewal, strategy, claimMs: CLAIM_MS });
      if (claim === 'claimed' || claim === 'taken_over')
        return this.#exchange(wanted, { stored, renewal, lost: claim === 'taken_over' });
      if (claim === 'held') await delay(LOOK_EVERY_MS, undefined, { signal });
    }
  }

  async #exchange(wanted: Wanted, claimed: Claimed): Promise<Remembered> {
    const { name, credential, signal } = wanted;
    const { vault, secrets, exchange, log } = this.#parts;
    const { stored, renewal } = claimed;
    const seed = this.#seed(credential);
    let sent = claimed.lost;
    try {
      const refreshToken = this.#refreshToken(wanted, stored);
      if (sent && refreshToken !== undefined && !credential.reuseRefreshToken) throw spent(name);
      sent = false;
      const tokens = await exchange(name, { credential, secrets, signal, refreshToken });
      const content = { ...tokens, refreshToken: tokens.refreshToken ?? refreshToken, seed };
      this.#hide(content);
      const saved = await persistently({ name, log }, () => vault.settle(name, renewal, content));
      if (!saved) log.warn({ credential: name }, 'a new token came too late to be stored');
      const next = { content, version: renewal.version + 1, expiresInMs: tokens.lifetimeMs };
      return this.#remember(name, credential, next)!;
    } catch (error) {
      await this.#giveBack(wanted, claimed, sent || mayHaveHappened(error));
      throw error;
    }
  }

  /** A refresh token that may be used up is never sent again: a server that sees it twice takes that for theft. */
  async #giveBack({ name, credential }: Wanted, claimed: Claimed, sent: boolean): Promise<void> {
    const { vault, log } = this.#parts;
    const { stored, renewal } = claimed;
    const usedUp =
      sent && credential.strategy === 'oauth2-refresh' && !credential.reuseRefreshToken;
    const seed = this.#seed(credential);
    try {
      if (usedUp) await vault.settle(name, renewal, { ...rest(stored.content), seed, spent: true });
      else await vault.release(name, renewal);
    } catch (error) {
      // Then the claim runs out, and whoever comes next finds it so.
      log.warn({ credential: name, err: error }, 'the claim on a credential was not given back');
    }
  }

  /** The newest one; the environment's where nothing came of it yet, or somebody has put another one there since. */
  #refreshToken({ name, credential }: Wanted, stored: Stored): string | undefined {
    if (credential.strategy !== 'oauth2-refresh') return undefined;
    const { secrets } = this.#parts;
    // What it cannot read came of the environment's token, most likely, which is used up then.
    if (stored.unreadable && !credential.reuseRefreshToken) throw unreadable(name);
    const { seed, ...known } = stored.content;
    const first = firstRefreshToken(credential, secrets);
    if (seed !== this.#seed(credential)) return first ?? missing(name, credential, secrets);
    if (known.spent && !credential.reuseRefreshToken) throw spent(name);
    return known.refreshToken ?? first ?? missing(name, credential, secrets);
  }

  #seed(credential: CredentialSettings): string | undefined {
    return seedOf(credential, this.#parts.secrets);
  }

  #hide({ accessToken, refreshToken }: Sealed): void {
    for (const secret of [accessToken, refreshToken]) if (secret) this.#parts.hide(secret);
  }
}

interface Claimed {
  readonly stored: Stored;
  readonly renewal: Renewal;
  /** The holder before went away, nobody knows how far it had come. */
  readonly lost: boolean;
}

const rest = ({ refreshToken }: Sealed): Sealed => ({ refreshToken });

const unreadable = (name: string): AuthFailure =>
  new AuthFailure(
    'misconfigured',
    `its stored tokens cannot be decrypted with PERDURE_SECRET_KEY: give the key of before in PERDURE_OLD_SECRET_KEYS, or run "perdure auth forget ${name}", ${signInAgain(name)}`,
  );

const spent = (name: string): AuthFailure =>
  new AuthFailure(
    'invalid_credentials',
    `its refresh token was sent once and the answer never came, so that it may be used up: ${signInAgain(name)} (or set reuseRefreshToken where the server lets one be used again)`,
  );

const signInAgain = (name: string): string =>
  `sign in again ("perdure auth login ${name}", or a new refresh token in its variable)`;

function missing(name: string, credential: CredentialSettings, secrets: SecretLookup): never {
  if (credential.refreshTokenEnv !== undefined) needed(secrets, credential.refreshTokenEnv);
  throw new AuthFailure(
    'invalid_credentials',
    `nobody has signed in for it yet: run "perdure auth login ${name}"`,
  );
}
