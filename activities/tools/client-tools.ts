/** The source of the mode `client`: tools that an agent or the start of a session declares, and whoever holds the session answers. */
import type { TimeLimits } from '../../contracts/limits.ts';
import type { ClientTool } from '../../contracts/tools.ts';
import { argumentsPreview } from './arguments-preview.ts';
import type { ToolDefinition } from './definition.ts';
import type { ToolSource } from './source.ts';

type Timeouts = Pick<TimeLimits, 'toolResultMs'>;

const definitionOf = (tool: ClientTool, { toolResultMs }: Timeouts): ToolDefinition => ({
  name: tool.name,
  description: tool.description,
  inputSchema: tool.inputSchema,
  effect: tool.effect,
  mode: 'client',
  timeoutMs: tool.timeoutMs ?? toolResultMs,
  approval: tool.approval,
  preview: async ({ input }) => argumentsPreview(tool.name, input) ?? '',
});

/** A session's tool replaces its agent's of the same name. */
export const clientTools = (timeouts: Timeouts): ToolSource => ({
  offered: ({ agent, sessionTools }) =>
    [...agent.clientTools, ...sessionTools].map((tool) => definitionOf(tool, timeouts)),
});
