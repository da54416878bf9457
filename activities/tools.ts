/** The activities of the tool queue: few slots, so that long tools never starve model calls. */
import type { ToolActivities } from '../contracts/activities.ts';
import { createExecuteTool } from './tools/execute-tool.ts';

export const createToolActivities = (
  deps: Parameters<typeof createExecuteTool>[0],
): ToolActivities => ({
  executeTool: createExecuteTool(deps),
});
