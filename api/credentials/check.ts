import { allCredentials } from '../../contracts/provider-keys.ts';
import { PerdureError } from '../../contracts/perdure-error.ts';
import type { AuthOutcome } from '../../contracts/authentication.ts';
import type { ApiContext } from '../context.ts';

export interface CheckRequest {
  readonly name: string;
  readonly renew: boolean;
}

/** In a worker, where the secrets are. @throws not_found; worker_unavailable where none takes it up in time */
export async function checkCredential(
  { deps, principal }: ApiContext,
  { name, renew }: CheckRequest,
): Promise<AuthOutcome> {
  const { settings, catalogue, engine, journal } = deps;
  const known = allCredentials({ ...settings, providers: catalogue.providers });
  if (!Object.hasOwn(known, name))
    throw new PerdureError('not_found', `There is no credential "${name}".`, { field: 'name' });
  const policies = { authenticate: settings.policies.authenticate };
  const result = await engine.checkCredential({ credential: name, renew, policies });
  await journal.audit.write({
    tenant: principal.tenant,
    user: principal.user,
    action: 'credential.checked',
    subject: name,
    details: {
      outcome: result.outcome,
      attempts: result.attempts.length,
      ...(result.outcome === 'failed' && { code: result.error.code }),
    },
  });
  return result;
}
