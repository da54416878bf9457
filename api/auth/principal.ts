import type { KeyId } from '../../contracts/ids.ts';
import type { KeyRow, Owner, Role } from '../../journal/port.ts';

/** Who is calling. */
export interface Principal extends Owner {
  readonly role: Role;
  /** Null for the local owner, who has no key. */
  readonly keyId: KeyId | null;
}

/** The installation's own tenant: whoever starts Perdure on their machine; its operators also administer other tenants' keys. */
export const LOCAL_TENANT = 'local';

export const LOCAL_OWNER: Principal = {
  tenant: LOCAL_TENANT,
  user: 'local',
  role: 'operator',
  keyId: null,
};

export const principalOf = ({ tenant, user, role, keyId }: KeyRow): Principal => ({
  tenant,
  user,
  role,
  keyId,
});

/** Operators see their tenant's rows, everybody else their own. */
export const sees = (principal: Principal, owner: Owner): boolean =>
  principal.tenant === owner.tenant &&
  (principal.role === 'operator' || principal.user === owner.user);
