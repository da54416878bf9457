/** What `perdure mcp revoke` does. */
import { printJson } from '../json-output.ts';
import { withClient } from '../one-command.ts';
import type { McpOptions } from './run.ts';
import { serverText } from './text.ts';

export const revoke = (server: string, options: McpOptions): Promise<void> =>
  withClient(options, async (client) => {
    const revoked = await client.call((trpc, call) => trpc.mcp.revoke.mutate({ server }, call));
    if (options.json) printJson(revoked);
    else console.log(`Revoked.\n\n${serverText(revoked)}`);
  });
