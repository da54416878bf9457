/** A tool as the worker knows it: what the model is told, how it may be repeated, and who executes it. */
import type { RunnerSelector } from '../../contracts/runners.ts';
import type { ApprovalRule, Effect, ToolMode } from '../../contracts/tools.ts';
import type { ToolRun } from './executor.ts';

export interface ToolDefinition {
  readonly name: string;
  readonly description: string;
  /** JSON Schema of the arguments, an object. */
  readonly inputSchema: Readonly<Record<string, unknown>>;
  readonly effect: Effect;
  readonly mode: ToolMode;
  readonly timeoutMs: number;
  /** Of a remote tool: which runners may execute it. */
  readonly runner?: RunnerSelector | undefined;
  /** Whether a person is asked before it runs; `policy` when absent. */
  readonly approval?: ApprovalRule | undefined;
  /**
   * What the call would do, for the person who is asked: a unified diff of a file's edit. Changes nothing. Empty, or thrown: then the person
   * sees the arguments only.
   */
  preview?(run: Omit<ToolRun, 'progress'>): Promise<string>;
}
