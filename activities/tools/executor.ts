/**
 * The one interface of tool executors (mission B4), one a mode: `worker` here; MCP servers and remote runners are further entries of the
 * same table, so that neither the workflow nor `executeTool` changes for them.
 */
import type { SessionId, CallId } from '../../contracts/ids.ts';
import type { ToolMode } from '../../contracts/tools.ts';

/** One execution of a tool: the action `agent_tool_call`. */
export interface ToolRun {
  readonly sessionId: SessionId;
  /** Also the idempotency key of a `keyed` tool. */
  readonly callId: CallId;
  readonly name: string;
  /** Valid for the tool's schema. */
  readonly input: unknown;
  /** The session's workspace, absolute; a session may have none. */
  readonly workspace: string | null;
  /** Aborts at the tool's time-out, when the turn ends, and when the worker goes away. */
  readonly signal: AbortSignal;
}

export interface ToolExecutor {
  /**
   * @returns any JSON
   * @throws {PerdureError} `tool_denied` or `tool_failed` with a message for the model; anything else is a fault and may be tried again
   */
  execute(run: ToolRun): Promise<unknown>;
}

export type ToolExecutors = Partial<Record<ToolMode, ToolExecutor>>;
