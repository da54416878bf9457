import type { ToolRun } from '../executor.ts';
import type { Confines } from './confinement.ts';

/** A run in a session that has a workspace. */
export type WorkspaceRun = ToolRun & Confines;
