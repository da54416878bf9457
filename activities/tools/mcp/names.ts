/** The names under which agents find the tools of MCP servers. Pure: what the servers list is not known here. */
import { MCP_SEPARATOR } from '../../../contracts/mcp.ts';
import type { McpServers } from '../../../contracts/mcp.ts';
import type { ToolSource } from '../source.ts';

/** The server that a tool's name leads to, if it leads to any. */
export const serverIn = (tool: string): string | undefined =>
  tool.includes(MCP_SEPARATOR) ? tool.split(MCP_SEPARATOR)[0] : undefined;

/** A disabled server's names are still names that agents may have: they just lead to nothing. */
export const mcpNames = (servers: McpServers): Required<Pick<ToolSource, 'known' | 'expects'>> => ({
  known: Object.keys(servers).map((name) => `${name}${MCP_SEPARATOR}*`),
  expects(tool) {
    const server = serverIn(tool);
    return server !== undefined && Object.hasOwn(servers, server);
  },
});
