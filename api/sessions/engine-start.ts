import type { SessionRow } from '../../journal/port.ts';
import type { SessionStart, UserMessage } from '../../workflows/session/messages.ts';
import type { ApiDeps } from '../deps.ts';
import type { StartRequest } from '../engine/engine.ts';
import { limitsOf, policyOverrides } from './limits.ts';

/** What Temporal needs to start a run of this session: all of it follows from the row, so a repeat asks for the same. */
export function startOf(
  deps: ApiDeps,
  row: SessionRow,
  { origin, message }: { origin: 'start' | 'reopen'; message?: UserMessage | undefined },
): StartRequest {
  const policies = policyOverrides(deps.settings.policies);
  const start: SessionStart = {
    sessionId: row.sessionId,
    tenant: row.tenant,
    agent: row.agent,
    model: row.model,
    limits: limitsOf(deps, row),
    origin,
    signalsInOrder: true,
    openSessions: deps.settings.api.maxSessionsPerTenant,
    ...engineOf(deps, row),
    ...(policies && { policies }),
    ...(origin === 'reopen' && { carried: carriedOver(row) }),
  };
  return { start, message, summary: summaryOf(row) };
}

/** An agent that was renamed, or its program taken out, has none: the default model answers then. */
function engineOf(
  { catalogue, settings }: ApiDeps,
  { agent }: SessionRow,
): Pick<SessionStart, 'engine'> {
  const engine = catalogue.agents[agent]?.engine;
  if (!engine) return {};
  const { commandMs, commandMaxMs } = settings.timeouts;
  const program = settings.cliProviders[engine.cli];
  const timeoutMs = Math.min(program?.timeoutMs ?? commandMs, commandMaxMs);
  const { credential } = program ?? {};
  return { engine: { cli: engine.cli, timeoutMs, ...(credential && { credential }) } };
}

/** A reopened session goes on with its sums; its journal goes on by itself. */
const carriedOver = (row: SessionRow): NonNullable<SessionStart['carried']> => ({
  queue: [],
  seen: [],
  spend: row.spend,
  turns: row.turns,
  startedAt: Date.now(),
  idleSince: Date.now(),
  warned: null,
});

/** Temporal takes 200 bytes here. */
const summaryOf = ({ agent, title, context }: SessionRow): string =>
  [agent, title ?? context].filter(Boolean).join(': ').slice(0, 60);
