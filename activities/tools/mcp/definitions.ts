/** From approved tools to what a model is offered: allowed, under our names, with the class of their effects. Pure. */
import { matchesTool, ruleFor } from '../../../contracts/mcp.ts';
import type { McpManifest, McpServerSettings, McpTool } from '../../../contracts/mcp.ts';
import type { TimeLimits } from '../../../contracts/limits.ts';
import type { Effect } from '../../../contracts/tools.ts';
import type { ToolDefinition } from '../definition.ts';
import { offeredName } from './manifest.ts';

export interface ServerOfTools {
  readonly name: string;
  readonly settings: McpServerSettings;
  readonly timeouts: Pick<TimeLimits, 'commandMs'>;
}

/** What the configuration says, else the server's hints: its word only, and only about what may be repeated. */
export function effectOf({ effects }: McpServerSettings, { name, hints }: McpTool): Effect {
  const stated = ruleFor(effects, name);
  if (stated) return stated;
  if (hints.readOnly === true) return 'read';
  return hints.idempotent === true ? 'keyed' : 'never-retry';
}

function definitionOf({ name, settings, timeouts }: ServerOfTools, tool: McpTool): ToolDefinition {
  const approval = ruleFor(settings.approval, tool.name);
  return {
    name: offeredName(name, tool.name),
    description: tool.description,
    inputSchema: tool.inputSchema,
    effect: effectOf(settings, tool),
    mode: 'mcp',
    timeoutMs: settings.timeoutMs ?? timeouts.commandMs,
    ...(approval && { approval }),
  };
}

/**
 * @param approved what may be offered
 * @param listed what the server lists now, where it is connected: a tool that it changed or took away is not offered
 */
export function definitionsOf(
  server: ServerOfTools,
  approved: McpManifest,
  listed: McpManifest | undefined,
): readonly ToolDefinition[] {
  const now = listed && new Map(listed.tools.map(({ name, hash }) => [name, hash]));
  return approved.tools
    .filter(({ name }) => matchesTool(server.settings.allow, name))
    .filter(({ name, hash }) => now === undefined || now.get(name) === hash)
    .map((tool) => definitionOf(server, tool));
}
