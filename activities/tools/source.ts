/** Where tools come from: this worker, MCP servers, runners, clients. Each kind is one source; what it has may change while it runs. */
import type { SessionId } from '../../contracts/ids.ts';
import type { RunnerSelector } from '../../contracts/runners.ts';
import type { AgentSettings } from '../../contracts/settings.ts';
import type { ClientTool } from '../../contracts/tools.ts';
import type { Owner } from '../../journal/port.ts';
import type { ToolDefinition } from './definition.ts';
import type { ToolExecutors } from './executor.ts';

/** A session whose model is about to be asked. */
export interface OfferedTo extends Owner {
  readonly sessionId: SessionId;
  /** Of the agent, under `agents`. */
  readonly agentName: string;
  readonly agent: AgentSettings;
  readonly workspace: string | null;
  /** Declared at the start of the session. */
  readonly sessionTools: readonly ClientTool[];
  /** Named at its start, instead of its agent's. */
  readonly runner: RunnerSelector | null;
  /** Whether the agent's `tools` in perdure.yaml name this tool: by its name, or as one of `server__*`. */
  readonly names: (tool: string) => boolean;
}

export interface ToolSource {
  /**
   * Names of `tools` in perdure.yaml that lead here, for suggestions to whoever misspells one. Read once, when the worker starts.
   * Absent where agents do not name its tools.
   */
  readonly known?: readonly string[] | undefined;
  /** A name that is not {@link known} but may come: of a server that is away. */
  readonly expects?: ((name: string) => boolean) | undefined;
  /**
   * The tools of this session. In the way of every model step: answer from memory. A tool of a later source replaces an earlier
   * one's of the same name.
   * @throws only what is worth another attempt of the step, such as `journal_unavailable`
   */
  offered(session: OfferedTo): readonly ToolDefinition[] | Promise<readonly ToolDefinition[]>;
  /**
   * Why a tool of this name, which the agent may use, is not offered: for a model that knows it from before. Undefined where this source
   * has nothing to say about it.
   */
  readonly absence?: ((tool: string) => string | undefined) | undefined;
  /** Who runs its tools in this worker; none where others answer the calls. */
  readonly executors?: ToolExecutors | undefined;
}
