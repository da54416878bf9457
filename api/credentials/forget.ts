import { INSTALLATION_TENANT } from '../../contracts/credentials.ts';
import type { ApiContext } from '../context.ts';
import { ownCredential } from './own.ts';

/**
 * What is stored of a credential is gone, and the next one who needs a token begins anew: after a leak, or where no key opens it any more. Workers that
 * hold the token in memory use it until it ends.
 * @throws not_found
 */
export async function forgetCredential(ctx: ApiContext, name: string): Promise<void> {
  const { deps, principal, address } = ctx;
  const { strategy } = ownCredential(ctx, name);
  const place = { tenant: INSTALLATION_TENANT, name };
  const stored = await deps.journal.credentials.forget(place);
  await deps.journal.audit.write({
    tenant: principal.tenant,
    user: principal.user,
    action: 'credential.forgotten',
    subject: name,
    details: { strategy, stored, address },
  });
}
