import type { SessionLimits } from '../../contracts/limits.ts';
import { POLICIES } from '../../contracts/policies.ts';
import type { Policy, PolicyName, PolicyOverrides } from '../../contracts/policies.ts';
import type { LimitOverrides } from '../../contracts/settings.ts';
import type { SessionRow } from '../../journal/port.ts';
import type { ApiDeps, ApiSettings } from '../deps.ts';

/** A later one wins over an earlier one; what is undefined says nothing. */
const mergeLimits = (base: SessionLimits, ...overrides: readonly LimitOverrides[]): SessionLimits =>
  Object.assign({}, base, ...overrides.map(stated)) as SessionLimits;

const stated = (limits: LimitOverrides): LimitOverrides =>
  Object.fromEntries(Object.entries(limits).filter(([, value]) => value !== undefined));

/** Of a session: what it asked for at its start or since, over its agent's, over those of the configuration. */
export const limitsOf = ({ settings, catalogue }: ApiDeps, row: SessionRow): SessionLimits =>
  mergeLimits(settings.limits, catalogue.agents[row.agent]?.limits ?? {}, row.limits);

/** Where the configured policies differ from the table: only that travels in a session's start. */
export function policyOverrides(policies: ApiSettings['policies']): PolicyOverrides | undefined {
  const names = Object.keys(POLICIES) as PolicyName[];
  const changed = names.flatMap((name) => {
    const difference = differenceOf(POLICIES[name], policies[name]);
    return difference ? [[name, difference] as const] : [];
  });
  return changed.length > 0 ? Object.fromEntries(changed) : undefined;
}

function differenceOf(base: Policy, own: Policy): Partial<Policy> | undefined {
  const keys = Object.keys(own) as (keyof Policy)[];
  const changed = keys.filter((key) => own[key] !== base[key]);
  if (changed.length === 0) return undefined;
  return Object.fromEntries(changed.map((key) => [key, own[key]]));
}
