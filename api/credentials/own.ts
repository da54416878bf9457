/** Credentials belong to the installation, not to a tenant: its own operators look after them, and others see none. */
import { allCredentials } from '../../contracts/provider-keys.ts';
import { INSTALLATION_TENANT } from '../../contracts/credentials.ts';
import type { CredentialCatalogue, CredentialSettings } from '../../contracts/credentials.ts';
import { PerdureError } from '../../contracts/perdure-error.ts';
import type { ApiContext } from '../context.ts';

export const ownCredentials = ({
  deps: { settings, catalogue },
  principal,
}: Pick<ApiContext, 'deps' | 'principal'>): CredentialCatalogue =>
  principal.tenant === INSTALLATION_TENANT
    ? allCredentials({ credentials: settings.credentials, providers: catalogue.providers })
    : {};

/** @throws not_found */
export function ownCredential(ctx: ApiContext, name: string): CredentialSettings {
  const known = ownCredentials(ctx);
  if (Object.hasOwn(known, name)) return known[name]!;
  throw new PerdureError('not_found', `There is no credential "${name}".`, { field: 'name' });
}
