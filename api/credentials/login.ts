/** A person signs in for a credential: an operator has a code, and workers keep what comes of it. */
import type { LoginCode, LoginEnd } from '../../contracts/credential-login.ts';
import { PerdureError } from '../../contracts/perdure-error.ts';
import type { ShownLogin } from '../../workflows/credential-login/messages.ts';
import type { ApiContext } from '../context.ts';
import { ownCredential } from './own.ts';

export interface LoginView {
  readonly credential: string;
  readonly loginId: string;
  readonly state: 'waiting' | LoginEnd['state'];
  /** Why it ended; empty while it waits and where it succeeded. */
  readonly message: string;
  /** For whoever began it, and only when it is begun. */
  readonly code?: (LoginCode & { readonly expiresAt: string }) | undefined;
}

export interface LoginRequest {
  readonly name: string;
  /** Ends the one that is open, whoever began it. */
  readonly anew: boolean;
}

/** The same person again is shown the same code. @throws not_found; invalid_input; login_open; worker_unavailable */
export async function beginLogin(
  ctx: ApiContext,
  { name, anew }: LoginRequest,
): Promise<LoginView> {
  const { deps, principal, address } = ctx;
  requireSignedInFor(ctx, name);
  if (anew) await deps.logins.cancelOpen(name);
  const policies = { authenticate: deps.settings.policies.authenticate };
  const shown = await deps.logins.begin({ credential: name, by: principal.user, policies });
  if (shown.by !== principal.user) throw isOpen(name, shown);
  const { loginId, state } = shown;
  await deps.journal.audit.write({
    tenant: principal.tenant,
    user: principal.user,
    action: 'credential.login_begun',
    subject: name,
    details: { loginId, state, anew, address },
  });
  if (shown.state !== 'waiting') return viewOf(name, loginId, shown);
  const expiresAt = new Date(shown.endsAt).toISOString();
  return { ...viewOf(name, loginId, undefined), code: { ...shown.code, expiresAt } };
}

export interface LoginStateRequest {
  readonly name: string;
  readonly loginId: string;
  /** How long to wait for its end. */
  readonly waitMs: number;
}

/** Without the code. @throws not_found */
export async function loginState(
  ctx: ApiContext,
  { name, loginId, waitMs }: LoginStateRequest,
): Promise<LoginView> {
  ownCredential(ctx, name);
  return viewOf(name, loginId, await ctx.deps.logins.end({ name, loginId }, waitMs));
}

/** @returns how it has ended: it may have succeeded at that moment. @throws not_found; worker_unavailable */
export async function cancelLogin(
  ctx: ApiContext,
  { name, loginId }: Pick<LoginStateRequest, 'name' | 'loginId'>,
): Promise<LoginView> {
  const { deps, principal, address } = ctx;
  ownCredential(ctx, name);
  const end = await deps.logins.cancel({ name, loginId });
  await deps.journal.audit.write({
    tenant: principal.tenant,
    user: principal.user,
    action: 'credential.login_cancelled',
    subject: name,
    details: { loginId, state: end.state, address },
  });
  return viewOf(name, loginId, end);
}

const viewOf = (credential: string, loginId: string, end: LoginEnd | undefined): LoginView => ({
  credential,
  loginId,
  state: end?.state ?? 'waiting',
  message: end?.message ?? '',
});

function requireSignedInFor(ctx: ApiContext, name: string): void {
  const { strategy } = ownCredential(ctx, name);
  if (strategy === 'oauth2-refresh') return;
  throw new PerdureError(
    'invalid_input',
    `"name": the strategy of "${name}" is ${strategy}; expected a credential of strategy oauth2-refresh, for which a person signs in.`,
    { field: 'name' },
  );
}

const isOpen = (name: string, shown: ShownLogin): PerdureError =>
  new PerdureError(
    'login_open',
    `${shown.by} is signing in for "${name}"${shown.state === 'waiting' ? `, until ${new Date(shown.endsAt).toISOString()}` : ''}.`,
  );
