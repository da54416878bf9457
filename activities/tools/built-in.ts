/** The tools that every worker has. Their names stand in contracts/settings.ts, where perdure.yaml is checked against them. */
import type { TimeLimits } from '../../contracts/limits.ts';
import { fetchSchema, sandboxSchema } from '../../contracts/tool-settings.ts';
import type { FetchSettings, SandboxSettings } from '../../contracts/tool-settings.ts';
import { commandTool } from './command/tool.ts';
import { fetchTool } from './fetch/tool.ts';
import type { WorkerTool } from './worker-tool.ts';
import { workspaceTools } from './workspace/tools.ts';
import { writingTools } from './workspace/writing-tools.ts';

export interface BuiltInParts {
  /** Perdure's data folder: tools keep out of it. */
  readonly home: string;
  readonly timeouts: Pick<TimeLimits, 'commandMs' | 'commandMaxMs'>;
  /** Of `run_command`; the defaults when absent. */
  readonly sandbox?: SandboxSettings | undefined;
  /** Of the worker's environment, for what `sandbox.environment` names. */
  readonly variable?: ((name: string) => string | undefined) | undefined;
  /** Of `fetch_url`; the defaults when absent. */
  readonly fetch?: FetchSettings | undefined;
}

/** Those that act in a folder. `fetch_url` is none: a model must not look around in the network of a person's machine. */
export const FOLDER_TOOLS: ReadonlySet<string> = new Set([
  'list_files',
  'read_file',
  'search_files',
  'write_file',
  'edit_file',
  'run_command',
]);

export const builtInTools = (parts: BuiltInParts): readonly WorkerTool[] => [
  ...workspaceTools(parts.home),
  ...writingTools(parts.home),
  commandTool({ ...parts, sandbox: parts.sandbox ?? sandboxSchema.parse({}) }),
  fetchTool(parts.fetch ?? fetchSchema.parse({})),
];
