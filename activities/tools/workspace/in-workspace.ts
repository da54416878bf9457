import { PerdureError } from '../../../contracts/perdure-error.ts';
import type { ToolRun } from '../executor.ts';
import { dataFolder } from './data-folder.ts';
import type { WorkspaceRun } from './run.ts';

/**
 * Of a tool that needs the session's workspace.
 * @param home Perdure's data folder, which the tools keep out of
 */
export const inWorkspace =
  <T>(home: string, use: (run: WorkspaceRun) => Promise<T>): ((run: ToolRun) => Promise<T>) =>
  async (run) => {
    const { workspace } = run;
    if (workspace === null) throw new PerdureError('tool_denied', 'This session has no workspace.');
    // Looked at for each run: SQLite's files beside the journal come and go.
    return use({ ...run, workspace, dataFolder: await dataFolder(home) });
  };
