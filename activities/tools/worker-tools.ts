/** The source and the executor of the mode `worker`. */
import type { TimeLimits } from '../../contracts/limits.ts';
import { PerdureError } from '../../contracts/perdure-error.ts';
import { ArgumentChecker } from './arguments.ts';
import type { ToolDefinition } from './definition.ts';
import type { ProbeAnswer, ToolExecutor, ToolRun } from './executor.ts';
import type { ToolSource } from './source.ts';
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

/** The names of the tools are different ones. */
export function workerTools(tools: readonly WorkerTool[], timeouts: Timeouts): ToolSource {
  const offers = tools.map((tool) => ({
    definition: definitionOf(tool, timeouts),
    needsWorkspace: tool.needsWorkspace === true,
  }));
  return {
    known: tools.map(({ name }) => name),
    offered: ({ workspace, names }) =>
      offers
        .filter(({ definition, needsWorkspace }) => {
          return names(definition.name) && (workspace !== null || !needsWorkspace);
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
