/** The activities of the tool queue: few slots, so that long tools never starve model calls. */
import type { ToolActivities } from '../contracts/activities.ts';
import type { ActivityDependencies } from './dependencies.ts';
import { createExecuteTool } from './tools/execute-tool.ts';
import type { ToolExecutors } from './tools/executor.ts';
import { workspaceExecutor } from './tools/workspace/executor.ts';

export type ToolParts = Pick<
  ActivityDependencies,
  'journal' | 'timeouts' | 'policies' | 'log' | 'metrics'
> & {
  /** Perdure's data folder: workspace tools keep out of it. */
  readonly home: string;
  /** Of further modes, or instead of ours. */
  readonly executors?: ToolExecutors | undefined;
};

export const createToolActivities = ({ home, executors, ...deps }: ToolParts): ToolActivities => ({
  executeTool: createExecuteTool({
    ...deps,
    executors: { worker: workspaceExecutor(home), ...executors },
  }),
});
