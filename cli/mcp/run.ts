/** What the `mcp` commands do. */
import type { PerdureClient } from '../../client/index.ts';
import type { ConnectOptions } from '../connection-options.ts';
import { CommandFailed, EXIT } from '../exit-codes.ts';
import { printJson } from '../json-output.ts';
import { withClient } from '../one-command.ts';
import { serverText } from './text.ts';

export interface McpOptions extends ConnectOptions {
  readonly json?: true;
}
export interface ApproveOptions extends McpOptions {
  readonly hash?: string;
}

const serversOf = async (client: PerdureClient) =>
  (await client.call((trpc, call) => trpc.mcp.list.query(undefined, call))).servers;

export const list = (options: McpOptions): Promise<void> =>
  withClient(options, async (client) => {
    const servers = await serversOf(client);
    if (options.json) servers.forEach(printJson);
    else if (servers.length === 0) console.log('No MCP servers. docs/mcp.md says how to add one.');
    else console.log(servers.map(serverText).join('\n\n'));
  });

export const approve = (server: string, options: ApproveOptions): Promise<void> =>
  withClient(options, async (client) => {
    const found = (await serversOf(client)).find((each) => each.server === server);
    if (!found) throw new CommandFailed(`There is no MCP server "${server}".`, EXIT.notFound);
    const hash = options.hash ?? found.waiting?.hash;
    if (hash === undefined)
      throw new CommandFailed(`Nothing of the MCP server ${server} waits for an approval.`);
    const approved = await client.call((trpc, call) =>
      trpc.mcp.approve.mutate({ server, hash }, call),
    );
    if (options.json) printJson(approved);
    else console.log(`Approved.\n\n${serverText(approved)}`);
  });
