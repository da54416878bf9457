/** The tools of one worker: what its models are offered, and who runs what they call. */
import type { TimeLimits } from '../../contracts/limits.ts';
import { builtInTools } from './built-in.ts';
import type { BuiltInParts } from './built-in.ts';
import { clientTools } from './client-tools.ts';
import type { Runners } from '../../journal/port.ts';
import type { ToolExecutors } from './executor.ts';
import { remoteTools } from './remote-tools.ts';
import type { ToolSource } from './source.ts';
import type { WorkerTool } from './worker-tool.ts';
import { workerTools } from './worker-tools.ts';

export interface ToolRegistry {
  readonly sources: readonly ToolSource[];
  readonly executors: ToolExecutors;
}

export interface RegistryParts extends BuiltInParts {
  readonly timeouts: Pick<TimeLimits, 'commandMs' | 'commandMaxMs' | 'toolResultMs'>;
  /** Of remote runners; a worker without one offers none of their tools. */
  readonly runners?: Pick<Runners, 'selected'> | undefined;
  /** Beside the built-in ones. */
  readonly tools?: readonly WorkerTool[] | undefined;
  /** MCP servers, runners. */
  readonly sources?: readonly ToolSource[] | undefined;
  /** Instead of the sources' own, by mode. */
  readonly executors?: ToolExecutors | undefined;
}

/**
 * What a session declares comes last: it replaces what the worker has under the same name. So does what its runner offers.
 */
export function toolRegistry(parts: RegistryParts): ToolRegistry {
  const { timeouts, tools = [], runners } = parts;
  const worker = workerTools([...builtInTools(parts), ...tools], timeouts);
  const remote = runners ? [remoteTools(runners, timeouts)] : [];
  const sources = [worker, ...(parts.sources ?? []), ...remote, clientTools(timeouts)];
  const own = sources.map(({ executors }) => executors);
  return { sources, executors: Object.assign({}, ...own, parts.executors) as ToolExecutors };
}
