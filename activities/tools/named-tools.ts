/** The names that an agent's `tools` in perdure.yaml may have: of a tool, or `server__*` for all of a server's. Pure. */
import type { ModelCatalogue } from '../../contracts/settings.ts';
import type { ToolSource } from './source.ts';

const WILDCARD = '*';

/** Whether `tools` names this tool. */
export function namesTool(tools: readonly string[], name: string): boolean {
  return tools.some((wanted) =>
    wanted.endsWith(WILDCARD) ? name.startsWith(wanted.slice(0, -1)) : wanted === name,
  );
}

export interface UnknownTool {
  /** In perdure.yaml. */
  readonly path: readonly (string | number)[];
  readonly name: string;
}

const isKnown = (name: string, { known = [], expects }: ToolSource): boolean =>
  known.some((tool) => namesTool([name], tool)) || expects?.(name) === true;

/** Names that lead to no source: agents that would silently lack a tool. */
export const unknownTools = (
  { agents }: Pick<ModelCatalogue, 'agents'>,
  sources: readonly ToolSource[],
): readonly UnknownTool[] =>
  Object.entries(agents).flatMap(([agent, { tools }]) =>
    tools.flatMap((name, index) =>
      sources.some((source) => isKnown(name, source))
        ? []
        : [{ path: ['agents', agent, 'tools', index], name }],
    ),
  );
