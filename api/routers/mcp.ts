import { z } from 'zod';
import { mcpServerName } from '../../contracts/mcp.ts';
import { mcpHashSchema, mcpServerViewSchema } from '../../contracts/mcp-view.ts';
import { approveServer, listServers, revokeServer } from '../mcp/approval.ts';
import { operator, router } from '../procedures.ts';
import { rest } from './rest.ts';

const serverSchema = mcpServerViewSchema.meta({ id: 'McpServer' });

/** MCP servers of the installation: what is approved of them, and what waits. */
export const mcpRouter = router({
  list: operator
    .meta(
      rest('GET /api/mcp-servers', 'MCP servers: approved tools, and changes that wait', {
        description: "For operators of the tenant 'local'; others see none.",
      }),
    )
    .output(z.object({ servers: z.array(serverSchema) }).meta({ id: 'McpServers' }))
    .query(async ({ ctx }) => ({ servers: await listServers(ctx) })),

  approve: operator
    .meta(
      rest('POST /api/mcp-servers/{server}/approval', 'Approve what an MCP server lists now', {
        description:
          'Of exactly the list with this hash; where the server lists something else by now it is refused with approval_stale.',
      }),
    )
    .input(z.strictObject({ server: mcpServerName, hash: mcpHashSchema }))
    .output(serverSchema)
    .mutation(({ ctx, input }) => approveServer(ctx, input)),

  revoke: operator
    .meta(
      rest('DELETE /api/mcp-servers/{server}/approval', 'Take the approval of an MCP server back', {
        description:
          'None of its tools is offered or called until an operator approves what it lists; calls that it has already got go on. A repeat changes nothing.',
      }),
    )
    .input(z.strictObject({ server: mcpServerName }))
    .output(serverSchema)
    .mutation(({ ctx, input }) => revokeServer(ctx, input.server)),
});
