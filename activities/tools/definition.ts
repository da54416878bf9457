/** A tool as the worker knows it: what the model is told, how it may be repeated, and who executes it. */
import type { Effect, ToolMode } from '../../contracts/tools.ts';

export interface ToolDefinition {
  readonly name: string;
  readonly description: string;
  /** JSON Schema of the arguments, an object. */
  readonly inputSchema: Readonly<Record<string, unknown>>;
  readonly effect: Effect;
  readonly mode: ToolMode;
  readonly timeoutMs: number;
}
