/** The tools of this worker, and whether those that agents name exist. */
import { unknownTools } from '../activities/tools/named-tools.ts';
import { toolRegistry } from '../activities/tools/registry.ts';
import type { RegistryParts, ToolRegistry } from '../activities/tools/registry.ts';
import { nearest } from '../config/nearest.ts';
import { SettingsError, dotted } from '../config/problems.ts';
import type { Settings } from '../config/settings.ts';

/** @throws {SettingsError} where an agent names a tool that does not exist */
export function openTools(
  { timeouts, home, sandbox, fetch, catalogue }: Settings,
  more: Omit<RegistryParts, 'timeouts' | 'home' | 'sandbox' | 'fetch'> = {},
): ToolRegistry {
  const registry = toolRegistry({ timeouts, home, sandbox, fetch, ...more });
  const known = registry.sources.flatMap((source) => source.known ?? []);
  const unknown = unknownTools(catalogue, registry.sources);
  if (unknown.length > 0)
    throw new SettingsError(
      unknown.map(({ path, name }) => ({ path: dotted(path), message: noSuchTool(name, known) })),
    );
  return registry;
}

function noSuchTool(name: string, known: readonly string[]): string {
  const meant = nearest(name, known);
  const hint = meant ? `did you mean "${meant}"; ` : '';
  return `is "${name}", but there is no such tool; ${hint}known: ${known.join(', ')}`;
}
