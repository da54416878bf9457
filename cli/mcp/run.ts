/** What `perdure mcp list` does, and how the others find their server. */
import type { PerdureClient } from '../../client/index.ts';
import type { McpServerView } from '../../contracts/mcp-view.ts';
import type { ConnectOptions } from '../connection-options.ts';
import { CommandFailed, EXIT } from '../exit-codes.ts';
import { oneLine } from '../format.ts';
import { printJson } from '../json-output.ts';
import { withClient } from '../one-command.ts';
import { serverText } from './text.ts';

export interface McpOptions extends ConnectOptions {
  readonly json?: true;
}

const serversOf = async (client: PerdureClient) =>
  (await client.call((trpc, call) => trpc.mcp.list.query(undefined, call))).servers;

/** @throws {CommandFailed} where there is none of this name */
export async function serverOf(client: PerdureClient, server: string): Promise<McpServerView> {
  const found = (await serversOf(client)).find((each) => each.server === server);
  if (found) return found;
  throw new CommandFailed(`There is no MCP server "${oneLine(server)}".`, EXIT.notFound);
}

export const list = (options: McpOptions): Promise<void> =>
  withClient(options, async (client) => {
    const servers = await serversOf(client);
    if (options.json) servers.forEach(printJson);
    else if (servers.length === 0) console.log('No MCP servers. docs/mcp.md says how to add one.');
    else console.log(servers.map(serverText).join('\n\n'));
  });
