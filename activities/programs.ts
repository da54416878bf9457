/** The activities of one worker process's own queue: its programs are in no other. */
import type { ProgramActivities } from '../contracts/activities.ts';
import { createExecuteCommand } from './cli/execute-command.ts';
import type { CommandDependencies } from './cli/execute-command.ts';
import { translated } from './failures.ts';

export { ProgramHost } from './cli/host.ts';
export type { Left } from './cli/host.ts';
export type { Forgetting } from './cli/forgotten.ts';

export const createProgramActivities = (deps: CommandDependencies): ProgramActivities => ({
  executeCommand: createExecuteCommand(deps),
  terminateProgram: translated((programId) => deps.programs.terminate(programId)),
});
