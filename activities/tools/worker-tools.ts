/** The source and the executor of the mode `worker`. */
import type { TimeLimits } from '../../contracts/limits.ts';
import { PerdureError } from '../../contracts/perdure-error.ts';
import type { ToolDefinition } from './definition.ts';
import type { ToolExecutor } from './executor.ts';
import type { ToolSource } from './source.ts';
import type { WorkerTool } from './worker-tool.ts';

type Timeouts = Pick<TimeLimits, 'commandMs' | 'commandMaxMs'>;

function definitionOf(tool: WorkerTool, { commandMs, commandMaxMs }: Timeouts): ToolDefinition {
  const { execute: _, needsWorkspace: __, timeoutMs = commandMs, ...told } = tool;
  return { ...told, mode: 'worker', timeoutMs: Math.min(timeoutMs, commandMaxMs) };
}

/** The names of the tools are different ones. */
export function workerTools(tools: readonly WorkerTool[], timeouts: Timeouts): ToolSource {
  const byName = new Map(tools.map((tool) => [tool.name, tool]));
  const offers = tools.map((tool) => ({
    definition: definitionOf(tool, timeouts),
    needsWorkspace: tool.needsWorkspace === true,
  }));
  const worker: ToolExecutor = {
    async execute(run) {
      const tool = byName.get(run.name);
      if (!tool) throw new PerdureError('tool_failed', `This worker has no tool "${run.name}".`);
      return tool.execute(run);
    },
  };
  return {
    known: [...byName.keys()],
    offered: ({ workspace, names }) =>
      offers
        .filter(({ definition, needsWorkspace }) => {
          return names(definition.name) && (workspace !== null || !needsWorkspace);
        })
        .map(({ definition }) => definition),
    executors: { worker },
  };
}
