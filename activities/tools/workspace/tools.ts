/** The tools on the session's workspace, which only read. */
import type { WorkerTool } from '../worker-tool.ts';
import { WORKSPACE_DEFINITIONS } from './definitions.ts';
import type { WorkspaceTool } from './definitions.ts';
import { inWorkspace } from './in-workspace.ts';
import { listFiles } from './list-files.ts';
import { readFile } from './read-file.ts';
import type { WorkspaceRun } from './run.ts';
import { searchFiles } from './search-files.ts';

const EXECUTE: Readonly<Record<WorkspaceTool, (run: WorkspaceRun) => Promise<string>>> = {
  list_files: listFiles,
  read_file: readFile,
  search_files: searchFiles,
};

/** @param home Perdure's data folder, which the tools keep out of */
export const workspaceTools = (home: string): readonly WorkerTool[] =>
  Object.entries(EXECUTE).map(([name, execute]) => ({
    ...WORKSPACE_DEFINITIONS[name as WorkspaceTool],
    needsWorkspace: true,
    execute: inWorkspace(home, execute),
  }));
