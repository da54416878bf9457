/** A person signs in for a credential (`perdure auth login`): what is shown, and how it goes. Pure, no zod. */

/** What the person opens and enters. */
export interface LoginCode {
  readonly userCode: string;
  readonly verificationUri: string;
  /** The same with the code in it. */
  readonly verificationUriComplete?: string | undefined;
}

export const LOGIN_ENDS = ['succeeded', 'denied', 'expired', 'failed', 'cancelled'] as const;

/** How it ended: `denied` by the person, `expired` before anybody decided, `failed` for another reason, `cancelled` by an operator. */
export interface LoginEnd {
  readonly state: (typeof LOGIN_ENDS)[number];
  /** For people, without a secret; empty where it succeeded. */
  readonly message: string;
}

export interface BegunLogin {
  readonly state: 'begun';
  readonly code: LoginCode;
  /** What the answer is asked for with, encrypted: only workers read it. */
  readonly sealed: string;
  readonly expiresInMs: number;
  readonly intervalMs: number;
}

export type LoginBegun = BegunLogin | LoginEnd;

/** What asking once has brought. `unreachable`: nobody knows, ask again. */
export type LoginAnswer =
  | { readonly state: 'pending' | 'slow_down' }
  | { readonly state: 'unreachable'; readonly retryAfterMs?: number | undefined }
  | LoginEnd;
