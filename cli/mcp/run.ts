/** What the `mcp` commands do. */
import type { PerdureClient } from '../../client/index.ts';
import { connect, explaining } from '../connect.ts';
import type { ConnectOptions } from '../connection-options.ts';
import { CommandFailed, EXIT } from '../exit-codes.ts';
import { serverText } from './text.ts';

export interface McpOptions extends ConnectOptions {
  readonly json?: true;
}
export interface ApproveOptions extends McpOptions {
  readonly hash?: string;
}

/** A person who looks something up would rather know at once that nothing answers. */
const RETRY_FOR_MS = 2_000;

async function withClient(
  options: McpOptions,
  work: (client: PerdureClient) => Promise<void>,
): Promise<void> {
  await explaining(async () => {
    using client = connect(options, RETRY_FOR_MS);
    await work(client);
  });
}

const serversOf = async (client: PerdureClient) =>
  (await client.call((trpc, call) => trpc.mcp.list.query(undefined, call))).servers;

export const list = (options: McpOptions): Promise<void> =>
  withClient(options, async (client) => {
    const servers = await serversOf(client);
    if (options.json) console.log(JSON.stringify({ servers }));
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
    if (options.json) console.log(JSON.stringify(approved));
    else console.log(`Approved.\n\n${serverText(approved)}`);
  });
