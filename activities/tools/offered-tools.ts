/** Which tools a session's model is offered, of all sources. */
import type { SessionRow } from '../../journal/port.ts';
import type { AgentSettings } from '../../contracts/settings.ts';
import type { ToolDefinition } from './definition.ts';
import { namesTool } from './named-tools.ts';
import type { OfferedTo, ToolSource } from './source.ts';
import type { ToolDeclaration } from '../model/stream-answer.ts';

export type OfferedTools = ReadonlyMap<string, ToolDefinition>;

/** @param agent the session's, or the default one where that is gone */
export const offeredTo = (session: SessionRow, agent: AgentSettings): OfferedTo => ({
  sessionId: session.sessionId,
  tenant: session.tenant,
  user: session.user,
  agentName: session.agent,
  agent,
  workspace: session.workspace,
  sessionTools: session.tools,
  runner: session.runner ?? null,
  names: (tool) => namesTool(agent.tools, tool),
});

/** Sorted by name, so that the request's beginning is the same every time; a later source's tool replaces an earlier one's. */
export async function offeredTools(
  sources: readonly ToolSource[],
  session: OfferedTo,
): Promise<OfferedTools> {
  const offers = await Promise.all(sources.map(async (source) => source.offered(session)));
  const all = offers.flat().map((tool) => [tool.name, tool] as const);
  return new Map([...new Map(all)].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)));
}

/** Why a tool that the agent names is not among those offered; undefined where no source knows. */
export const absenceFrom =
  (sources: readonly ToolSource[], { tools }: Pick<AgentSettings, 'tools'>) =>
  (name: string): string | undefined =>
    namesTool(tools, name)
      ? sources.map((source) => source.absence?.(name)).find((reason) => reason !== undefined)
      : undefined;

/** Without what only the worker knows of a tool. */
export const declarations = (offered: OfferedTools): ToolDeclaration[] =>
  [...offered.values()].map(({ name, description, inputSchema }) => ({
    name,
    description,
    inputSchema,
  }));
