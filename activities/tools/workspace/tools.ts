/** The tools on the session's workspace, which only read. */
import { PerdureError } from '../../../contracts/perdure-error.ts';
import type { WorkerTool } from '../worker-tool.ts';
import { dataFolder } from './data-folder.ts';
import { WORKSPACE_DEFINITIONS } from './definitions.ts';
import type { WorkspaceTool } from './definitions.ts';
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
    async execute(run) {
      const { workspace } = run;
      if (workspace === null)
        throw new PerdureError('tool_denied', 'This session has no workspace.');
      // Looked at for each run: SQLite's files beside the journal come and go.
      return execute({ ...run, workspace, dataFolder: await dataFolder(home) });
    },
  }));
