/** The tools of this worker: those of the folder are loaded, and those that agents name must exist. */
import { loadTools } from '../activities/tools/defined/load-folder.ts';
import type { LoadedTools } from '../activities/tools/defined/load-folder.ts';
import { definedWorkerTool } from '../activities/tools/defined/worker-tool.ts';
import type { DefinedParts } from '../activities/tools/defined/worker-tool.ts';
import { mcpNames } from '../activities/tools/mcp/names.ts';
import { unknownTools } from '../activities/tools/named-tools.ts';
import { toolRegistry } from '../activities/tools/registry.ts';
import type { RegistryParts, ToolRegistry } from '../activities/tools/registry.ts';
import { nearest } from '../config/nearest.ts';
import { SettingsError, dotted } from '../config/problems.ts';
import type { Problem } from '../config/problems.ts';
import type { Settings } from '../config/settings.ts';

type Used = Pick<Settings, 'timeouts' | 'home' | 'sandbox' | 'fetch' | 'catalogue' | 'toolsFolder'>;
type More = Omit<RegistryParts, 'timeouts' | 'home' | 'sandbox' | 'fetch'>;

/** @throws {SettingsError} with every tool that cannot be used, and every name of an agent's that leads nowhere */
export async function openTools(
  settings: Used,
  parts: DefinedParts,
  more: More = {},
): Promise<ToolRegistry> {
  const loaded = await folderOf(settings);
  const { registry, problems } = examined(settings, loaded, { parts, more });
  if (problems.length > 0) throw new SettingsError(problems);
  return registry;
}

export interface ToolsReport {
  /** Names of the tools in the folder. */
  readonly names: readonly string[];
  readonly problems: readonly Problem[];
  /** Environment variables that tools declare, and which are not set. */
  readonly unset: readonly { readonly tool: string; readonly variable: string }[];
}

/** For `perdure doctor`: loads the folder, which runs the code of its files. */
export async function inspectTools(
  settings: Used & Pick<Settings, 'mcpServers'>,
  parts: DefinedParts,
): Promise<ToolsReport> {
  const loaded = await folderOf(settings);
  // No server is started to find out whether a name can be one of its tools.
  const mcp = { ...mcpNames(settings.mcpServers), offered: () => [] };
  const { problems } = examined(settings, loaded, { parts, more: { sources: [mcp] } });
  return {
    names: loaded.tools.map(({ name }) => name),
    problems,
    unset: loaded.tools.flatMap(({ name, secrets }) =>
      secrets
        .filter((variable) => parts.secrets(variable) === undefined)
        .map((variable) => ({ tool: name, variable })),
    ),
  };
}

const folderOf = ({ toolsFolder }: Used): Promise<LoadedTools> | LoadedTools =>
  toolsFolder === null ? { tools: [], problems: [], refused: [] } : loadTools(toolsFolder);

function examined(
  { timeouts, home, sandbox, fetch, catalogue }: Used,
  loaded: LoadedTools,
  { parts, more }: { parts: DefinedParts; more: More },
): { registry: ToolRegistry; problems: readonly Problem[] } {
  const defined = loaded.tools.map((tool) => definedWorkerTool(tool, parts));
  const tools = [...defined, ...(more.tools ?? [])];
  const registry = toolRegistry({ timeouts, home, sandbox, fetch, ...more, tools });
  const known = registry.sources.flatMap((source) => source.known ?? []);
  const broken = loaded.problems.map(({ file, reason }) => ({
    path: 'toolsFolder',
    source: file,
    message: reason,
  }));
  const unknown = unknownTools(catalogue, registry.sources)
    .filter(({ name }) => !loaded.refused.includes(name))
    .map(({ path, name }) => ({ path: dotted(path), message: noSuchTool(name, known) }));
  return { registry, problems: [...broken, ...unknown] };
}

function noSuchTool(name: string, known: readonly string[]): string {
  const meant = nearest(name, known);
  const hint = meant ? `did you mean "${meant}"; ` : '';
  return `is "${name}", but there is no such tool; ${hint}known: ${known.join(', ')}`;
}
