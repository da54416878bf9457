/** A tool that runs in the worker's own process: built in, or defined by whoever runs Perdure. */
import type { ToolDefinition } from './definition.ts';
import type { ProbeAnswer, ToolRun } from './executor.ts';

export interface WorkerTool extends Omit<ToolDefinition, 'mode' | 'timeoutMs'> {
  /** `timeouts.commandMs` when absent; never more than `timeouts.commandMaxMs`. */
  readonly timeoutMs?: number | undefined;
  /** Not offered in a session without a workspace. */
  readonly needsWorkspace?: boolean | undefined;
  /** As {@link ToolExecutor.execute}. */
  readonly execute: (run: ToolRun) => Promise<unknown>;
  /** JSON Schema of what it returns. */
  readonly outputSchema?: Readonly<Record<string, unknown>> | undefined;
  /** As {@link ToolExecutor.probe}. */
  readonly probe?: ((run: ToolRun) => Promise<ProbeAnswer>) | undefined;
}
