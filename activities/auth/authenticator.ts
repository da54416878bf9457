/** Proves credentials and hands out tokens: what the activity, model calls and MCP connections have in common. */
import type { AuditAction } from '../../contracts/audit.ts';
import type { Strategy } from '../../contracts/authentication.ts';
import { breakerOf, INSTALLATION_TENANT } from '../../contracts/credentials.ts';
import type { CredentialCatalogue, CredentialSettings } from '../../contracts/credentials.ts';
import type { ProviderSettings } from '../../contracts/settings.ts';
import type { Journal } from '../../journal/port.ts';
import type { ActivityLog } from '../observed.ts';
import { orAbort } from '../model/abortable.ts';
import { redact } from '../model/redaction.ts';
import { guarded } from './breaker.ts';
import { DeviceLogin } from './device-login.ts';
import type { Told } from './device-login.ts';
import { AuthFailure, classifyAuthFailure, isCancelled } from './failure.ts';
import type { AuthVerdict } from './failure.ts';
import type { SecretBox } from './secret-box.ts';
import { apiKeyOf, checkApiKey } from './strategies/api-key.ts';
import { checkCommand } from './strategies/command.ts';
import { exchangeTokens } from './strategies/oauth2.ts';
import type { SecretLookup, Sought } from './strategies/strategy.ts';
import { Tokens } from './tokens.ts';
import type { Token } from './tokens.ts';
import { Vault } from './vault.ts';

/** Each lives for an hour or so: older ones are of no use to anybody. */
const MAX_KNOWN = 200;

export interface AuthenticatorParts {
  readonly journal: Pick<Journal, 'credentials' | 'breakers' | 'audit'>;
  /** Plain provider keys among them; see `allCredentials`. */
  readonly credentials: CredentialCatalogue;
  readonly providers: Readonly<Record<string, ProviderSettings>>;
  readonly secrets: SecretLookup;
  /** Undefined where no key is set: nothing can be stored then. */
  readonly box: SecretBox | undefined;
  readonly log: ActivityLog;
  /** From now on the value appears in no log line. */
  readonly hide?: ((secret: string) => void) | undefined;
  /** Limit of one exchange, which callers share. */
  readonly attemptMs: number;
}

export interface Attempt {
  readonly signal: AbortSignal;
  /** Renew a token even where it is good. */
  readonly renew?: boolean | undefined;
}

export class Authenticator {
  readonly #parts: AuthenticatorParts;
  readonly #tokens: Tokens;
  /** People who sign in. */
  readonly logins: DeviceLogin;
  /** Tokens that were handed out, to be taken out of whatever a provider says. */
  readonly #known = new Set<string>();

  constructor(parts: AuthenticatorParts) {
    this.#parts = parts;
    const { journal, box, log, secrets } = parts;
    const vault = new Vault({ store: journal.credentials, box, log });
    const hide = (secret: string): void => this.#hide(secret);
    this.logins = new DeviceLogin({
      ...{ vault, secrets, log, hide },
      find: (name) => this.#credential(name),
      guarded: (sought, call) => this.#guarded(sought, call),
      verdict: (name, error) => this.verdict(name, error),
      note: (name, action, told) => this.#note(name, action, told),
    });
    this.#tokens = new Tokens({
      ...{ vault, secrets, log, hide },
      exchange: (name, exchange) => this.#audited(name, exchange, () => exchangeTokens(exchange)),
    });
  }

  strategyOf(name: string): Strategy | undefined {
    return this.#parts.credentials[name]?.strategy;
  }

  /** One attempt to prove a credential, or to have a token that is good. @throws what {@link verdict} understands */
  async attempt(name: string, { signal, renew }: Attempt): Promise<void> {
    const credential = this.#credential(name);
    if (credential.strategy.startsWith('oauth2-')) {
      await this.#token(name, { signal, renew });
      return;
    }
    const sought = { credential, signal };
    const check = credential.strategy === 'api-key' ? checkApiKey : checkCommand;
    await this.#audited(name, sought, () => check(this.#parts, sought));
  }

  /**
   * What a provider takes as the key: an access token that is good for a while, or the plain key, which nobody is asked about.
   * @throws what {@link verdict} understands
   */
  async token(name: string, signal: AbortSignal): Promise<Token> {
    const credential = this.#credential(name);
    if (credential.strategy === 'api-key')
      return { value: apiKeyOf(this.#parts, { credential, signal }), version: 0, renewed: false };
    if (credential.strategy === 'command')
      throw new AuthFailure('misconfigured', 'a login check gives no token');
    return this.#token(name, { signal });
  }

  /** A provider refused this token: the next caller gets another one. */
  async refused(name: string, { version }: Pick<Token, 'version'>): Promise<void> {
    if (version > 0) await this.#tokens.refused(name, version);
  }

  /** What a failure means, in words without secrets. */
  verdict(name: string, error: unknown): AuthVerdict {
    const verdict = classifyAuthFailure(error);
    return { ...verdict, reason: this.redact(verdict.reason, name) };
  }

  /** Takes out whatever this credential consists of. */
  redact(text: string, name: string): string {
    const { secrets } = this.#parts;
    const credential = this.#parts.credentials[name];
    const names = [credential?.apiKeyEnv, credential?.clientSecretEnv, credential?.refreshTokenEnv];
    const values = names.flatMap((each) => (each && secrets(each)) || []);
    return redact(text, [...this.#known, ...values]);
  }

  #credential(name: string): CredentialSettings {
    const found = this.#parts.credentials[name];
    if (found) return found;
    throw new AuthFailure('unknown_credential', `perdure.yaml has no credential "${name}"`);
  }

  /** Callers share an exchange, so it ends by its own clock; each of them leaves when it wants. */
  async #token(name: string, { signal, renew }: Attempt): Promise<Token> {
    const credential = this.#credential(name);
    const own = AbortSignal.timeout(this.#parts.attemptMs);
    const getting = this.#tokens.get({ name, credential, signal: own, renew });
    getting.catch(() => undefined);
    return orAbort(getting, signal);
  }

  #guarded<T>({ credential, signal }: Sought, call: () => Promise<T>): Promise<T> {
    const { journal, log } = this.#parts;
    const key = breakerOf(credential);
    return guarded({ store: journal.breakers, log }, { key, signal, call });
  }

  /** Who signed in where, and who was refused; nobody was where whoever asked went away. The record must not disturb what it records. */
  async #audited<T>(name: string, sought: Sought, call: () => Promise<T>): Promise<T> {
    try {
      const result = await this.#guarded(sought, call);
      await this.#note(name, 'credential.accepted');
      return result;
    } catch (error) {
      if (!isCancelled(sought.signal))
        await this.#note(name, 'credential.refused', { verdict: this.verdict(name, error) });
      throw error;
    }
  }

  async #note(name: string, action: AuditAction, { verdict, by }: Told = {}): Promise<void> {
    const { journal, log } = this.#parts;
    const entry = {
      tenant: INSTALLATION_TENANT,
      user: by ?? null,
      action,
      subject: name,
      details: {
        strategy: this.strategyOf(name) ?? null,
        ...(verdict ? { kind: verdict.kind, reason: verdict.reason } : {}),
      },
    };
    await journal.audit
      .write(entry)
      .catch((error: unknown) => log.warn({ credential: name, err: error }, 'sign-in not audited'));
  }

  #hide(secret: string): void {
    if (this.#known.size >= MAX_KNOWN) this.#known.delete(this.#known.values().next().value ?? '');
    this.#known.add(secret);
    this.#parts.hide?.(secret);
  }
}
