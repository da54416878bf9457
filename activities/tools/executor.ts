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
  /** Tells whoever watches how far it is: `tool.progress`, twice a second at most. `fraction` is 0 to 1. Never throws. */
  readonly progress: (message: string, fraction?: number) => void;
}

/** What became of an effect that a crashed attempt may have had. */
export type ProbeAnswer =
  | { readonly happened: true; readonly result?: unknown }
  /** Nor will it: nothing of that attempt is still on its way. */
  | { readonly happened: false }
  | 'unknown';

export interface ToolExecutor {
  /**
   * @returns any JSON
   * @throws {PerdureError} `tool_denied` or `tool_failed` with a message for the model; anything else is a fault and may be tried again
   */
  execute(run: ToolRun): Promise<unknown>;
  /** Of a `never-retry` tool whose worker went away in mid-call: finds out by the call's id whether it took effect. What it throws is tried again. */
  probe?(run: ToolRun): Promise<ProbeAnswer>;
}

export type ToolExecutors = Partial<Record<ToolMode, ToolExecutor>>;
