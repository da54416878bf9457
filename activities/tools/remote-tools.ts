/** The source of the mode `remote`: what runners on people's machines offer to a session. Runners execute, so there is no executor here. */
import type { TimeLimits } from '../../contracts/limits.ts';
import type { RunnerSelector } from '../../contracts/runners.ts';
import type { ClientTool } from '../../contracts/tools.ts';
import type { Runners } from '../../journal/port.ts';
import { argumentsPreview } from './arguments-preview.ts';
import type { ToolDefinition } from './definition.ts';
import type { ToolSource } from './source.ts';

type Timeouts = Pick<TimeLimits, 'toolResultMs'>;

const definitionOf = (
  { name, description, inputSchema, effect, timeoutMs, approval }: ClientTool,
  runner: RunnerSelector,
  { toolResultMs }: Timeouts,
): ToolDefinition => ({
  ...{ name, description, inputSchema, effect, runner, approval },
  mode: 'remote',
  timeoutMs: timeoutMs ?? toolResultMs,
  preview: async ({ input }) => argumentsPreview(name, input) ?? '',
});

/**
 * What a runner offered last counts, though it may be away: the call waits for it. Of several with a tool of one name the first that
 * `selected` gives describes it, and any of them may execute it.
 */
export const remoteTools = (
  runners: Pick<Runners, 'selected'>,
  timeouts: Timeouts,
): ToolSource => ({
  async offered({ agent, runner, tenant, user }) {
    const selector = runner ?? agent.runner;
    if (!selector) return [];
    const found = await runners.selected({ tenant, user }, selector);
    return found
      .toReversed()
      .flatMap(({ tools }) => tools.map((tool) => definitionOf(tool, selector, timeouts)));
  },
});
