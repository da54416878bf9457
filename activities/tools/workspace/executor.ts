/** The executor of the mode `worker`: read-only tools on the session's workspace. */
import { PerdureError } from '../../../contracts/perdure-error.ts';
import type { ToolExecutor, ToolRun } from '../executor.ts';
import type { WorkspaceTool } from './definitions.ts';
import { listFiles } from './list-files.ts';
import { readFile } from './read-file.ts';
import { searchFiles } from './search-files.ts';

const TOOLS: Readonly<Record<WorkspaceTool, (run: ToolRun) => Promise<string>>> = {
  list_files: listFiles,
  read_file: readFile,
  search_files: searchFiles,
};

export const workspaceExecutor: ToolExecutor = {
  execute(run) {
    if (!Object.hasOwn(TOOLS, run.name))
      return Promise.reject(
        new PerdureError('tool_failed', `This worker has no tool "${run.name}".`),
      );
    return TOOLS[run.name as WorkspaceTool](run);
  },
};
