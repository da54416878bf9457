/** The tools that a runner offers: the worker's own built-in ones, on this machine and in the runner's folder. */
import { ArgumentChecker } from '../activities/tools/arguments.ts';
import { builtInTools, FOLDER_TOOLS } from '../activities/tools/built-in.ts';
import type { ToolRun } from '../activities/tools/executor.ts';
import type { WorkerTool } from '../activities/tools/worker-tool.ts';
import { TIME_LIMITS } from '../contracts/limits.ts';
import { sandboxSchema } from '../contracts/tool-settings.ts';
import type { AgentToolCall, RegisterRunner } from '../contracts/runners.ts';

export type RunnerTool = WorkerTool;
export type { ToolRun };

export interface RunnerToolParts {
  /** The runner's own, which no tool opens. */
  readonly stateFolder: string;
  /** Whether commands reach this machine's network. */
  readonly network: boolean;
}

export const runnerTools = ({ stateFolder, network }: RunnerToolParts): readonly RunnerTool[] =>
  builtInTools({
    home: stateFolder,
    timeouts: TIME_LIMITS,
    sandbox: sandboxSchema.parse({ network }),
  }).filter(({ name }) => FOLDER_TOOLS.has(name));

/** What the call would do, where its tool can tell. */
export async function previewOf(
  tools: readonly RunnerTool[],
  workdir: string,
  { sessionId, invocation: { callId, name, arguments: input } }: AgentToolCall,
): Promise<string | undefined> {
  const tool = tools.find((one) => one.name === name);
  const { signal } = new AbortController();
  return await tool
    ?.preview?.({ sessionId, callId, name, input, workspace: workdir, signal })
    .catch(() => undefined);
}

export const offerOf = (tools: readonly RunnerTool[]): RegisterRunner['tools'] =>
  tools.map(({ name, description, inputSchema, effect, timeoutMs, approval }) => ({
    ...{ name, description, effect },
    inputSchema: { ...inputSchema, type: 'object' as const },
    ...(timeoutMs !== undefined && { timeoutMs }),
    ...(approval !== undefined && { approval }),
  }));

const checker = new ArgumentChecker();

/** The API checked them too, against what was offered when the model was asked. @returns what is wrong */
export const argumentProblem = (tool: RunnerTool, input: unknown): string | undefined =>
  checker.problem(tool, input);
