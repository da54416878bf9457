/** The source and the executor of the mode `worker`. */
import type { TimeLimits } from '../../contracts/limits.ts';
import { PerdureError } from '../../contracts/perdure-error.ts';
import { ArgumentChecker } from './arguments.ts';
import type { ToolDefinition } from './definition.ts';
import type { ProbeAnswer, ToolExecutor, ToolRun } from './executor.ts';
import { FOLDER_TOOLS } from './built-in.ts';
import type { OfferedTo, ToolSource } from './source.ts';
import type { WorkerTool } from './worker-tool.ts';

type Timeouts = Pick<TimeLimits, 'commandMs' | 'commandMaxMs'>;

function definitionOf(tool: WorkerTool, { commandMs, commandMaxMs }: Timeouts): ToolDefinition {
  const { name, description, inputSchema, effect, approval } = tool;
  return {
    ...{ name, description, inputSchema, effect, mode: 'worker' },
    timeoutMs: Math.min(tool.timeoutMs ?? commandMs, commandMaxMs),
    ...(approval && { approval }),
    ...(tool.preview && { preview: (run) => tool.preview!(run) }),
  };
}

/** Whoever names a runner means its folder: without one that fits, this machine's must not take its place unsaid. */
const worksElsewhere = ({ runner, agent }: OfferedTo): boolean =>
  runner !== null || agent.runner !== undefined;

/** The names of the tools are different ones. */
export function workerTools(tools: readonly WorkerTool[], timeouts: Timeouts): ToolSource {
  const offers = tools.map((tool) => ({
    definition: definitionOf(tool, timeouts),
    needsWorkspace: tool.needsWorkspace === true,
  }));
  return {
    known: tools.map(({ name }) => name),
    offered: (session) =>
      offers
        .filter(({ definition, needsWorkspace }) => {
          if (!session.names(definition.name)) return false;
          if (needsWorkspace && session.workspace === null) return false;
          return !worksElsewhere(session) || !FOLDER_TOOLS.has(definition.name);
        })
        .map(({ definition }) => definition),
    executors: { worker: new WorkerExecutor(tools) },
  };
}

class WorkerExecutor implements ToolExecutor {
  readonly #tools: ReadonlyMap<string, WorkerTool>;
  readonly #checker = new ArgumentChecker();

  constructor(tools: readonly WorkerTool[]) {
    this.#tools = new Map(tools.map((tool) => [tool.name, tool]));
  }

  async execute(run: ToolRun): Promise<unknown> {
    const tool = this.#tools.get(run.name);
    if (!tool) throw new PerdureError('tool_failed', `This worker has no tool "${run.name}".`);
    const result = await tool.execute(run);
    const problem = this.#problemOf(tool, result);
    if (problem !== undefined)
      throw new PerdureError(
        'tool_failed',
        `${run.name} ran, but its result is wrong: ${problem}.`,
      );
    return result;
  }

  async probe(run: ToolRun): Promise<ProbeAnswer> {
    return (await this.#tools.get(run.name)?.probe?.(run)) ?? 'unknown';
  }

  #problemOf({ outputSchema }: WorkerTool, result: unknown): string | undefined {
    return outputSchema && this.#checker.schemaProblem(outputSchema, result ?? null, 'the result');
  }
}
