import type { ToolRun } from '../executor.ts';

/** A run in a session that has a workspace. */
export type WorkspaceRun = ToolRun & { readonly workspace: string };
