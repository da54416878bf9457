/** The settings as every process uses them: validated, complete, frozen. */
import type { CliProviders } from '../contracts/cli-providers.ts';
import { DEFAULT_SESSION_LIMITS } from '../contracts/limits.ts';
import type { SessionLimits, TimeLimits } from '../contracts/limits.ts';
import { POLICIES } from '../contracts/policies.ts';
import type { Policies, Policy, PolicyName } from '../contracts/policies.ts';
import type { ModelCatalogue } from '../contracts/settings.ts';
import { describedPrograms } from './programs.ts';
import type { FileSettings } from './schema.ts';

type Replaced =
  | 'temporal'
  | 'limits'
  | 'policies'
  | 'providers'
  | 'models'
  | 'agents'
  | 'approvalPolicy'
  | 'defaultModel'
  | 'cliProviders'
  | 'defaultAgent'
  | 'historyEvents'
  | 'toolsFolder';

export interface Settings extends Readonly<Omit<FileSettings, Replaced>> {
  /** Absolute path of the data folder. */
  readonly home: string;
  /** Absolute path of the file that was read; null where there was none. */
  readonly file: string | null;
  /** Absolute path of the folder with tools of the user's own. */
  readonly toolsFolder: string | null;
  readonly temporal: Omit<FileSettings['temporal'], 'address'> & {
    readonly address: string;
    /** No address was given: `perdure up` runs a Temporal server of its own. */
    readonly embedded: boolean;
  };
  /** Providers, models and agents, defaults filled in. */
  readonly catalogue: ModelCatalogue;
  /** Programs that may answer, the ones that Perdure knows among them; whole descriptions. */
  readonly cliProviders: CliProviders;
  /** Of a session whose agent and request say nothing. */
  readonly limits: SessionLimits;
  readonly policies: Policies;
  /** For people: why the default model is the one it is. */
  readonly modelReason: string;
}

export interface Resolution {
  readonly home: string;
  readonly file: string | null;
  readonly catalogue: ModelCatalogue;
  readonly modelReason: string;
  /** None when absent. */
  readonly toolsFolder?: string | null;
}

export function resolveSettings(parsed: FileSettings, resolution: Resolution): Settings {
  const { temporal, historyEvents, limits, timeouts } = parsed;
  const policies = resolvePolicies(timeouts, parsed.policies);
  const { api, journal, worker, workspaceRoots, sandbox, fetch, log, telemetry } = parsed;
  const { credentials, mcpServers } = parsed;
  return deepFreeze({
    ...{ api, journal, worker, workspaceRoots, sandbox, fetch, log, telemetry, timeouts },
    ...{ credentials, mcpServers },
    toolsFolder: null,
    ...resolution,
    temporal: {
      ...temporal,
      address: temporal.address ?? `127.0.0.1:${temporal.port}`,
      embedded: temporal.address === undefined,
    },
    cliProviders: describedPrograms(parsed.cliProviders),
    limits: sessionLimits({ limits, timeouts, historyEvents }),
    policies,
  });
}

function sessionLimits(
  parsed: Pick<FileSettings, 'limits' | 'timeouts' | 'historyEvents'>,
): SessionLimits {
  const { timeouts, historyEvents } = parsed;
  const stated = Object.entries(parsed.limits).filter(([, value]) => value !== undefined);
  return {
    ...DEFAULT_SESSION_LIMITS,
    ...Object.fromEntries(stated),
    idleMs: timeouts.sessionIdleMs,
    lifetimeMs: timeouts.sessionLifetimeMs,
    warningMs: timeouts.sessionWarningMs,
    toolResultMs: timeouts.toolResultMs,
    toolClaimMs: timeouts.toolClaimMs,
    historyEvents,
  };
}

/** The time limit of an attempt comes from `timeouts`, unless the policy's own override says otherwise. */
const ATTEMPT_LIMIT: Partial<Record<PolicyName, keyof TimeLimits>> = {
  model: 'modelAttemptMs',
  toolRead: 'commandMs',
  toolKeyed: 'commandMs',
  toolNeverRetry: 'commandMs',
  authenticate: 'authMs',
};

function resolvePolicies(timeouts: TimeLimits, overrides: FileSettings['policies']): Policies {
  const resolve = (name: PolicyName): Policy => {
    const base: Policy = POLICIES[name];
    const limit = ATTEMPT_LIMIT[name];
    return {
      ...base,
      ...(limit && { attemptMs: timeouts[limit] }),
      ...(base.heartbeatMs !== undefined && { heartbeatMs: timeouts.heartbeatMs }),
      ...overrides[name],
    };
  };
  const names = Object.keys(POLICIES) as PolicyName[];
  return Object.fromEntries(names.map((name) => [name, resolve(name)])) as Policies;
}

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const inner of Object.values(value)) deepFreeze(inner);
  }
  return value;
}
