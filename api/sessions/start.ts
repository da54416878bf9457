import { deriveId, newId, type MessageId, type SessionId } from '../../contracts/ids.ts';
import { PerdureError } from '../../contracts/perdure-error.ts';
import type { RunnerSelector } from '../../contracts/runners.ts';
import type { StartSessionInput } from '../../contracts/session.ts';
import type { AgentSettings, ModelCatalogue } from '../../contracts/settings.ts';
import type { SessionState } from '../../contracts/session-state.ts';
import type { NewSession, Owner, SessionRow } from '../../journal/port.ts';
import type { UserMessage } from '../../workflows/session/messages.ts';
import type { ApiContext } from '../context.ts';
import type { ApiDeps } from '../deps.ts';
import { acceptContent } from './content.ts';
import { digestOf } from './digest.ts';
import { startOf } from './engine-start.ts';
import { closedError } from './send.ts';
import { resolveWorkspace, rootsOf } from './workspace.ts';

export interface Started {
  readonly sessionId: SessionId;
  readonly state: SessionState;
  readonly messageId?: MessageId | undefined;
}

/**
 * The row first, then the workflow, each harmless to repeat: a retry after a crash in between completes it. Where none comes, the sweeper
 * starts the session without its message (docs/decisions/2026-11-21-half-started-sessions.md).
 * @throws idempotency_conflict where the id was used for another request; session_closed where the session has ended without the message;
 *   rate_limited where the tenant has as many open sessions as it may
 */
export async function startSession(ctx: ApiContext, input: StartSessionInput): Promise<Started> {
  const { deps, principal } = ctx;
  const sessionId = input.sessionId ?? idOfSession(ctx);
  const message = await firstMessage(ctx, sessionId, input);
  const { row, created } = await deps.journal.sessions.create(
    await newSession(ctx, sessionId, input),
    deps.settings.api.maxSessionsPerTenant,
  );
  deps.access.remember(row);
  // Before Temporal, and again by a retry: whoever opened the window finds this session in it, whatever happens next.
  if (input.context !== undefined && (created || row.state === 'starting'))
    await deps.journal.contexts.set(principal, input.context, sessionId);
  const done = await deps.engine.start(startOf(deps, row, { origin: 'start', message }));
  if (!done && message) await refuseUntaken(deps, row, message);
  return { sessionId, state: row.state, ...(message && { messageId: message.messageId }) };
}

/** The repeat of a start, whose session has ended: nothing is left to do where it took the message, and it never will where it did not. */
async function refuseUntaken(
  { messagesSent }: ApiDeps,
  row: SessionRow,
  { messageId }: UserMessage,
): Promise<void> {
  if ((await messagesSent.recorded(row.sessionId, messageId)) === undefined) throw closedError(row);
}

const idOfSession = ({ principal, idempotencyKey }: ApiContext): SessionId =>
  idempotencyKey === undefined
    ? newId('ses')
    : deriveId('ses', principal.tenant, principal.user, idempotencyKey);

async function firstMessage(
  { deps, principal }: ApiContext,
  sessionId: SessionId,
  input: StartSessionInput,
): Promise<UserMessage | undefined> {
  if (input.message === undefined) return undefined;
  return {
    // Derived, so that a repeat of the start is a repeat of the message.
    messageId: input.messageId ?? deriveId('msg', sessionId, 'first'),
    content: await acceptContent(deps, principal, input.message),
    policy: 'enqueue',
  };
}

async function newSession(
  { deps, principal }: ApiContext,
  sessionId: SessionId,
  input: StartSessionInput,
): Promise<NewSession> {
  const { catalogue } = deps;
  const agentName = input.agent ?? catalogue.defaultAgent;
  const agent = chosen('agent', agentName, catalogue.agents);
  const model = modelOf(catalogue, agent, input);
  return {
    sessionId,
    tenant: principal.tenant,
    user: principal.user,
    digest: digestOf({ ...input, sessionId }),
    agent: agentName,
    model,
    workspace: await workspaceOf(deps, input.workspace),
    context: input.context ?? null,
    title: input.title ?? null,
    externalId: input.externalId ?? null,
    tools: input.tools ?? [],
    limits: input.limits ?? {},
    runner: await runnerOf(deps, principal, { asked: input.runner, agentName, agent }),
  };
}

/** Where a program answers, its name stands for the model: which one it uses is its own affair. */
function modelOf(
  catalogue: ModelCatalogue,
  agent: AgentSettings,
  input: StartSessionInput,
): string {
  if (agent.engine) {
    refuseForProgram(agent.engine.cli, 'model', input.model);
    refuseForProgram(agent.engine.cli, 'tools', input.tools);
    return agent.engine.cli;
  }
  const model = input.model ?? agent.model ?? catalogue.defaultModel;
  chosen('model', model, catalogue.models);
  return model;
}

/** @throws invalid_input where it is said: without effect it would only mislead */
export function refuseForProgram(cli: string, field: string, said: unknown): void {
  if (said === undefined) return;
  throw new PerdureError(
    'invalid_input',
    `"${field}": this agent is the program "${cli}", which has its own.`,
    { field },
  );
}

/** @throws invalid_input, with the names that exist */
export function chosen<T>(
  field: 'agent' | 'model',
  name: string,
  all: Readonly<Record<string, T>>,
): T {
  const found = Object.hasOwn(all, name) ? all[name] : undefined;
  if (found !== undefined) return found;
  throw new PerdureError(
    'invalid_input',
    `"${field}": there is no ${field} ${JSON.stringify(name)}; expected one of ${Object.keys(all).join(', ')}.`,
    { field },
  );
}

/** @throws invalid_input where none has registered that fits: the session would be without its tools, and nobody would know why */
async function runnerOf(
  { journal }: ApiDeps,
  owner: Owner,
  { asked, agentName, agent }: RunnerWanted,
): Promise<RunnerSelector | null> {
  const selector = asked ?? agent.runner;
  if (!selector) return null;
  if ((await journal.runners.selected(owner, selector)).length > 0) return asked ?? null;
  const known = (await journal.runners.list(owner)).map(({ name }) => name);
  const has = known.length > 0 ? `expected one of ${known.join(', ')}` : 'none has registered';
  const whose = asked ? '' : ` that agent ${JSON.stringify(agentName)} works on`;
  throw new PerdureError(
    'invalid_input',
    `"runner": no runner of user ${JSON.stringify(owner.user)} is ${JSON.stringify(selector)}${whose}; ${has}. Start one with that user's key: perdure runner.`,
    { field: 'runner' },
  );
}

interface RunnerWanted {
  readonly asked: RunnerSelector | undefined;
  readonly agentName: string;
  readonly agent: AgentSettings;
}

/** The local owner's sessions see the folder that Perdure was started in; behind keys a folder is only seen when it is named. */
async function workspaceOf(
  { settings, openToLocalOwner }: ApiDeps,
  asked: string | undefined,
): Promise<string | null> {
  const roots = rootsOf(settings.workspaceRoots);
  const workspace = asked ?? (openToLocalOwner ? roots[0] : undefined);
  return workspace === undefined ? null : resolveWorkspace(workspace, roots);
}
