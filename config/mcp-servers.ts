/** What must be right about MCP servers beyond each single setting. */
import { mcpServerName } from '../contracts/mcp.ts';
import type { McpServerSettings } from '../contracts/mcp.ts';
import type { PathProblem } from './problems.ts';

type Key = keyof McpServerSettings;

/** Settings of the other kind, which would do nothing. */
const OF_COMMANDS = ['args', 'env', 'cwd'] as const satisfies readonly Key[];
const OF_URLS = ['headers', 'bearerEnv'] as const satisfies readonly Key[];

const isSet = (value: unknown): boolean =>
  value !== undefined && (typeof value !== 'object' || Object.keys(value as object).length > 0);

export const checkMcpServers = ({
  mcpServers,
}: {
  readonly mcpServers: Readonly<Record<string, McpServerSettings>>;
}): readonly PathProblem[] =>
  Object.entries(mcpServers).flatMap(([name, server]) => {
    const path = ['mcpServers', name];
    return [...nameProblems(path, name), ...kindProblems(path, server)];
  });

function nameProblems(path: readonly string[], name: string): PathProblem[] {
  const { success, error } = mcpServerName.safeParse(name);
  if (success) return [];
  return [{ path, message: `is not a name of a server: ${error.issues[0]?.message}` }];
}

function kindProblems(path: readonly string[], server: McpServerSettings): PathProblem[] {
  const { command, url } = server;
  if (command === undefined && url === undefined)
    return [{ path, message: 'has neither "command" nor "url"; expected one of the two' }];
  if (command !== undefined && url !== undefined)
    return [
      { path: [...path, 'url'], message: 'stands beside "command"; expected one of the two' },
    ];
  const [foreign, kind] =
    command === undefined ? ([OF_COMMANDS, 'command'] as const) : ([OF_URLS, 'url'] as const);
  const wrong = foreign
    .filter((key) => isSet(server[key]))
    .map((key) => ({ path: [...path, key], message: `is for servers with a "${kind}" only` }));
  return [...wrong, ...twoTokens(path, server)];
}

function twoTokens(path: readonly string[], server: McpServerSettings): PathProblem[] {
  const given = Object.keys(server.headers).some((name) => name.toLowerCase() === 'authorization');
  if (!given || server.bearerEnv === undefined) return [];
  const message = 'stands beside headers.Authorization; expected one of the two';
  return [{ path: [...path, 'bearerEnv'], message }];
}
