/** The journal's port: tokens that workers renew for each other, and circuit breakers that they share. Import it from port.ts. */
import type { BreakerRules, Strategy } from '../contracts/authentication.ts';

export interface CredentialKey {
  readonly tenant: string;
  readonly name: string;
}

export interface CredentialRow extends CredentialKey {
  readonly strategy: Strategy;
  /** Encrypted by whoever wrote it; null before anything was stored. */
  readonly secret: string | null;
  /** From now on, by the database's clock; null where it does not end by itself. */
  readonly expiresInMs: number | null;
  /** Counts what was stored. */
  readonly version: number;
  /** ISO 8601. */
  readonly updatedAt: string;
}

/** The right to renew a credential, of one worker at a time. */
export interface Renewal {
  /** The version that is to be replaced; 0 where there is none yet. */
  readonly version: number;
  /** Tells claims apart. */
  readonly holder: string;
}

export interface NewSecret {
  readonly secret: string;
  readonly expiresInMs: number | null;
}

export interface CredentialStore {
  get(key: CredentialKey): Promise<CredentialRow | undefined>;
  /** In the order of their names. */
  list(tenant: string): Promise<readonly CredentialRow[]>;
  /**
   * @returns `claimed`; `taken_over` where another holder had not settled or released its claim in time (nobody knows how far it came);
   *   `held` by another; `changed` where the version is another one by now
   */
  claim(
    key: CredentialKey,
    renewal: Renewal & { readonly strategy: Strategy; readonly claimMs: number },
  ): Promise<'claimed' | 'taken_over' | 'held' | 'changed'>;
  /** Stores the next version. @returns false where the claim was lost: nothing is stored */
  settle(key: CredentialKey, renewal: Renewal, next: NewSecret): Promise<boolean>;
  /** Stores the next version whoever renews the one of now, and cannot store what comes of that: somebody has signed in anew. */
  replace(key: CredentialKey, next: NewSecret & { readonly strategy: Strategy }): Promise<void>;
  /** Gives the claim back with everything as it was. */
  release(key: CredentialKey, renewal: Renewal): Promise<void>;
  /** The version counts as ended from now on: somebody refused it. Nothing where it is another one by now. */
  expire(key: CredentialKey, version: number): Promise<void>;
  /** Nothing is stored any more, and whoever renews it now cannot store what it gets. @returns whether anything was */
  forget(key: CredentialKey): Promise<boolean>;
  /** The same secret in another form, encrypted with the key of now. Nothing where the version is another one by now. */
  reseal(key: CredentialKey, version: number, secret: string): Promise<void>;
}

export type BreakerState = 'closed' | 'open' | 'half_open';

/** `probe` names an attempt that everybody else waits for, and which must report. */
export type Admission =
  | { readonly admitted: true; readonly probe?: string | undefined }
  | { readonly admitted: false; readonly retryInMs: number };

/** `answered`: the provider is there, whatever it said. `abandoned`: nothing was learned. */
export interface BreakerReport {
  readonly outcome: 'answered' | 'outage' | 'abandoned';
  readonly probe?: string | undefined;
}

export interface BreakerRow {
  readonly key: string;
  readonly state: BreakerState;
  readonly failures: number;
}

export interface BreakerStore {
  /** Whether the provider may be asked now; half-open, exactly one caller in the fleet may. By the database's clock. */
  admit(key: string, rules: BreakerRules): Promise<Admission>;
  /** @returns the state afterwards */
  report(key: string, report: BreakerReport, rules: BreakerRules): Promise<BreakerState>;
  /** All that ever failed, in the order of their keys. */
  list(): Promise<readonly BreakerRow[]>;
}
