/** A person signs in elsewhere, and workers keep what comes of it: no token leaves them but encrypted. */
import type { AskInput, LoginInput } from '../../contracts/activities.ts';
import type { AuditAction } from '../../contracts/audit.ts';
import type { LoginAnswer, LoginBegun, LoginEnd } from '../../contracts/credential-login.ts';
import type { CredentialSettings } from '../../contracts/credentials.ts';
import { sha256 } from '../digest.ts';
import type { ActivityLog } from '../observed.ts';
import { Answered, AuthFailure } from './failure.ts';
import type { AuthVerdict } from './failure.ts';
import { NotSaved, persistently } from './persistently.ts';
import { seedOf } from './seed.ts';
import { askForTokens, requestDeviceCode } from './strategies/device-code.ts';
import type { AnsweringServer } from './strategies/device-code.ts';
import type { Tokens } from './strategies/oauth2.ts';
import type { SecretLookup, Sought } from './strategies/strategy.ts';
import type { Vault } from './vault.ts';

export interface DeviceLoginParts {
  readonly vault: Vault;
  readonly secrets: SecretLookup;
  readonly log: ActivityLog;
  readonly hide: (secret: string) => void;
  /** @throws {AuthFailure} `unknown_credential` */
  readonly find: (name: string) => CredentialSettings;
  readonly guarded: <T>(sought: Sought, call: () => Promise<T>) => Promise<T>;
  readonly verdict: (name: string, error: unknown) => AuthVerdict;
  readonly note: (name: string, action: AuditAction, told: Told) => Promise<void>;
}

export interface Told {
  readonly verdict?: AuthVerdict | undefined;
  /** Who did it; nobody in person where absent. */
  readonly by?: string | undefined;
}

/** What is sealed between the two. */
interface Kept {
  readonly deviceCode: string;
  readonly server: AnsweringServer;
}

const PENDING: Readonly<Record<string, LoginAnswer>> = {
  authorization_pending: { state: 'pending' },
  slow_down: { state: 'slow_down' },
};
const DECIDED: Readonly<Record<string, LoginEnd['state']>> = {
  access_denied: 'denied',
  expired_token: 'expired',
};
const SUCCEEDED: LoginEnd = { state: 'succeeded', message: '' };

export class DeviceLogin {
  readonly #parts: DeviceLoginParts;

  constructor(parts: DeviceLoginParts) {
    this.#parts = parts;
  }

  async begin({ credential: name, by }: LoginInput, signal: AbortSignal): Promise<LoginBegun> {
    const { vault, secrets, hide, find, guarded } = this.#parts;
    try {
      const credential = signedInFor(find(name));
      // Without a key nothing could be kept: said before the person has entered a code.
      vault.sealLogin(name, '');
      const given = await guarded({ credential, signal }, () =>
        requestDeviceCode({ credential, secrets, signal }),
      );
      const { deviceCode, server, expiresInMs, intervalMs, ...code } = given;
      hide(deviceCode);
      const sealed = vault.sealLogin(name, JSON.stringify({ deviceCode, server } satisfies Kept));
      return { state: 'begun', code, sealed, expiresInMs, intervalMs };
    } catch (error) {
      return this.#ended({ credential: name, by }, error);
    }
  }

  async ask(input: AskInput, signal: AbortSignal): Promise<LoginAnswer> {
    const { credential: name, by } = input;
    const { vault, secrets, hide, find, guarded, note } = this.#parts;
    try {
      const credential = find(name);
      const { deviceCode, server } = this.#kept(input);
      hide(deviceCode);
      const login = sha256(deviceCode);
      // A worker that went away after it had stored them has not said so.
      if ((await vault.read(name)).content.login === login) return SUCCEEDED;
      const tokens = await guarded({ credential, signal }, () =>
        askForTokens({ credential, secrets, signal, server, deviceCode }),
      );
      await this.#keep({ name, credential, login, tokens });
      await note(name, 'credential.accepted', { by });
      return SUCCEEDED;
    } catch (error) {
      const answer = error instanceof Answered ? PENDING[error.refusal.code ?? ''] : undefined;
      return answer ?? this.#unsettled(input, error);
    }
  }

  #kept({ credential, sealed }: AskInput): Kept {
    const text = this.#parts.vault.openLogin(credential, sealed);
    if (text !== undefined) return JSON.parse(text) as Kept;
    throw new AuthFailure(
      'misconfigured',
      'this worker has not the PERDURE_SECRET_KEY of the one that began it: give all workers the same key and begin again',
    );
  }

  async #keep({ name, credential, login, tokens }: Given): Promise<void> {
    const { vault, secrets, log, hide } = this.#parts;
    for (const token of [tokens.accessToken, tokens.refreshToken]) if (token) hide(token);
    const content = { ...tokens, seed: seedOf(credential, secrets), login };
    await persistently({ name, log }, () => vault.replace(name, credential.strategy, content));
  }

  /** Nobody knows, or it has ended. */
  #unsettled(input: LoginInput, error: unknown): LoginAnswer | Promise<LoginAnswer> {
    const { retryable, retryAfterMs, reason } = this.#parts.verdict(input.credential, error);
    if (!retryable || error instanceof NotSaved) return this.#ended(input, error);
    const { credential } = input;
    this.#parts.log.warn({ credential, reason }, 'asking for a sign-in failed, and is repeated');
    return { state: 'unreachable', ...(retryAfterMs !== undefined && { retryAfterMs }) };
  }

  async #ended({ credential: name, by }: LoginInput, error: unknown): Promise<LoginEnd> {
    const { verdict: judge, note, log } = this.#parts;
    const verdict = judge(name, error);
    const { kind, reason } = verdict;
    log.warn({ credential: name, kind, reason }, 'a person could not be signed in');
    await note(name, 'credential.refused', { verdict, by });
    const code = error instanceof Answered ? error.refusal.code : undefined;
    return { state: DECIDED[code ?? ''] ?? 'failed', message: reason };
  }
}

interface Given {
  readonly name: string;
  readonly credential: CredentialSettings;
  readonly login: string;
  readonly tokens: Tokens;
}

function signedInFor(credential: CredentialSettings): CredentialSettings {
  if (credential.strategy === 'oauth2-refresh') return credential;
  throw new AuthFailure(
    'misconfigured',
    `its strategy is ${credential.strategy}: a person signs in for oauth2-refresh`,
  );
}
