/** The activities of the tool queue: few slots, so that long tools never starve model calls. */
import type { ToolActivities } from '../contracts/activities.ts';
import type { ActivityDependencies } from './dependencies.ts';
import { createExecuteTool } from './tools/execute-tool.ts';
import { workspaceExecutor } from './tools/workspace/executor.ts';

export const createToolActivities = (
  deps: Pick<ActivityDependencies, 'journal' | 'timeouts' | 'policies' | 'log' | 'metrics'>,
): ToolActivities => ({
  executeTool: createExecuteTool({ ...deps, executors: { worker: workspaceExecutor } }),
});
