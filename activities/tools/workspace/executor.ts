/** The executor of the mode `worker`: read-only tools on the session's workspace. */
import { PerdureError } from '../../../contracts/perdure-error.ts';
import type { ToolExecutor } from '../executor.ts';
import { dataFolder } from './data-folder.ts';
import type { WorkspaceTool } from './definitions.ts';
import { listFiles } from './list-files.ts';
import { readFile } from './read-file.ts';
import type { WorkspaceRun } from './run.ts';
import { searchFiles } from './search-files.ts';

const TOOLS: Readonly<Record<WorkspaceTool, (run: WorkspaceRun) => Promise<string>>> = {
  list_files: listFiles,
  read_file: readFile,
  search_files: searchFiles,
};

/** @param home Perdure's data folder, which the tools keep out of */
export const workspaceExecutor = (home: string): ToolExecutor => ({
  async execute(run) {
    if (!Object.hasOwn(TOOLS, run.name))
      throw new PerdureError('tool_failed', `This worker has no tool "${run.name}".`);
    const { workspace } = run;
    if (workspace === null) throw new PerdureError('tool_denied', 'This session has no workspace.');
    // Looked at for each run: SQLite's files beside the journal come and go.
    const confines = { workspace, dataFolder: await dataFolder(home) };
    return TOOLS[run.name as WorkspaceTool]({ ...run, ...confines });
  },
});
