import type { AuthOutcome } from '../../contracts/authentication.ts';
import type { ApiContext } from '../context.ts';
import { ownCredential } from './own.ts';

export interface CheckRequest {
  readonly name: string;
  readonly renew: boolean;
}

/** In a worker, where the secrets are. @throws not_found; worker_unavailable where none takes it up in time */
export async function checkCredential(
  ctx: ApiContext,
  { name, renew }: CheckRequest,
): Promise<AuthOutcome> {
  const { deps, principal, address } = ctx;
  const { settings, engine, journal } = deps;
  ownCredential(ctx, name);
  const policies = { authenticate: settings.policies.authenticate };
  const result = await engine.checkCredential({ credential: name, renew, policies });
  await journal.audit.write({
    tenant: principal.tenant,
    user: principal.user,
    action: 'credential.checked',
    subject: name,
    details: {
      ...{ renew, address },
      outcome: result.outcome,
      attempts: result.attempts.length,
      ...(result.outcome === 'failed' && { code: result.error.code }),
    },
  });
  return result;
}
