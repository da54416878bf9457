/** The tools that every worker has. Their names stand in contracts/settings.ts, where perdure.yaml is checked against them. */
import type { WorkerTool } from './worker-tool.ts';
import { workspaceTools } from './workspace/tools.ts';

/** @param home Perdure's data folder, which the tools keep out of */
export const builtInTools = (home: string): readonly WorkerTool[] => workspaceTools(home);
