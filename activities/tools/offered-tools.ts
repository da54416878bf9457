/** Which tools a session's model is offered: the agent's workspace tools, and those that clients declared. Pure. */
import type { TimeLimits } from '../../contracts/limits.ts';
import type { AgentSettings } from '../../contracts/settings.ts';
import type { ClientTool } from '../../contracts/tools.ts';
import type { ToolDefinition } from './definition.ts';
import { WORKSPACE_DEFINITIONS } from './workspace/definitions.ts';

export interface OfferInput {
  readonly agent: Pick<AgentSettings, 'tools' | 'clientTools'>;
  /** Declared at the start of the session. */
  readonly sessionTools: readonly ClientTool[];
  readonly workspace: string | null;
  readonly timeouts: Pick<TimeLimits, 'commandMs' | 'toolResultMs'>;
}

export type OfferedTools = ReadonlyMap<string, ToolDefinition>;

const clientDefinition = (tool: ClientTool, toolResultMs: number): ToolDefinition => ({
  name: tool.name,
  description: tool.description,
  inputSchema: tool.inputSchema,
  effect: tool.effect,
  mode: 'client',
  timeoutMs: tool.timeoutMs ?? toolResultMs,
});

/** Sorted by name, so that the request's beginning is the same every time; a session's tool replaces its agent's of the same name. */
export function offeredTools(input: OfferInput): OfferedTools {
  const workspace =
    input.workspace === null
      ? []
      : input.agent.tools.map((name) => ({
          ...WORKSPACE_DEFINITIONS[name],
          timeoutMs: input.timeouts.commandMs,
        }));
  const clients = [...input.agent.clientTools, ...input.sessionTools].map((tool) =>
    clientDefinition(tool, input.timeouts.toolResultMs),
  );
  const all = [...workspace, ...clients].map((tool) => [tool.name, tool] as const);
  return new Map([...new Map(all)].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)));
}
