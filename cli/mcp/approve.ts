/** What `perdure mcp approve` does: nobody trusts what they were not shown. */
import { PerdureError } from '../../client/index.ts';
import type { PerdureClient } from '../../client/index.ts';
import type { McpServerView } from '../../contracts/mcp-view.ts';
import { confirmed, isSomebodyThere } from '../confirm.ts';
import { CommandFailed, EXIT } from '../exit-codes.ts';
import { printJson } from '../json-output.ts';
import { withClient } from '../one-command.ts';
import { serverOf } from './run.ts';
import type { McpOptions } from './run.ts';
import { changesText, howToApprove, serverText } from './text.ts';

export interface ApproveOptions extends McpOptions {
  readonly hash?: string;
}

export const approve = (server: string, { hash, ...options }: ApproveOptions): Promise<void> =>
  withClient(options, async (client) => {
    const view = await serverOf(client, server);
    const approved = await approvedAs(client, server, hash ?? (await looked(view)));
    if (options.json) printJson(approved);
    else console.log(`Approved.\n\n${serverText(approved)}`);
  });

/** Shows what changed. @returns the hash of it, where the person trusts it */
async function looked({ server, waiting }: McpServerView): Promise<string> {
  if (!waiting)
    throw new CommandFailed(`Nothing of the MCP server ${server} waits for an approval.`);
  const changes = `What the MCP server ${server} lists, beside what is approved (~ changed, + new, - gone):\n${changesText(waiting)}\n`;
  if (!isSomebodyThere())
    throw new CommandFailed(
      `${changes}\nThere is no terminal to ask you in. ${howToApprove(server, waiting)}`,
      EXIT.usage,
    );
  process.stderr.write(`${changes}\n`);
  if (!(await confirmed('Do you trust this list?')))
    throw new CommandFailed('Nothing was approved.');
  return waiting.hash;
}

async function approvedAs(
  client: PerdureClient,
  server: string,
  hash: string,
): Promise<McpServerView> {
  try {
    return await client.call((trpc, call) => trpc.mcp.approve.mutate({ server, hash }, call));
  } catch (error) {
    const isStale = error instanceof PerdureError && error.code === 'approval_stale';
    if (!isStale) throw error;
    throw notListed(await serverOf(client, server), hash);
  }
}

function notListed({ server, waiting }: McpServerView, hash: string): CommandFailed {
  const now = waiting
    ? `What it lists now:\n${changesText(waiting)}\n\n${howToApprove(server, waiting)}`
    : 'Nothing of it waits for an approval.';
  return new CommandFailed(
    `The MCP server ${server} lists something else than ${hash}: its tools have changed since, or the hash is wrong. Nothing was approved. (approval_stale)\n\n${now}`,
  );
}
