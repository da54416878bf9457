/** An MCP server as operators see it: what is approved of it, and what waits. zod at run time: not for workflows. */
import { z } from 'zod';
import { mcpToolSchema } from './mcp.ts';

const time = z.iso.datetime();
export const mcpHashSchema = z
  .string()
  .regex(/^[0-9a-f]{64}$/, 'expected the hash of a list of tools');

/** What a person looks at before an approval. */
const shownToolSchema = mcpToolSchema.omit({ hash: true });
export type ShownMcpTool = z.infer<typeof shownToolSchema>;

export const mcpServerViewSchema = z.object({
  server: z.string(),
  /** Null for one that is in the settings no more. */
  transport: z.enum(['stdio', 'http']).nullable(),
  enabled: z.boolean(),
  /** Null for one that has never listed its tools. `by` is null where nobody was asked: the first list is trusted. */
  approved: z
    .object({
      hash: mcpHashSchema,
      at: time,
      by: z.string().nullable(),
      tools: z.array(z.string()),
    })
    .nullable(),
  /** When and by whom the approval was taken back; then nothing is approved. */
  revoked: z.object({ at: time, by: z.string().nullable() }).nullable(),
  /** What it lists now, where that is something else than what is approved. */
  waiting: z
    .object({
      hash: mcpHashSchema,
      since: time,
      added: z.array(shownToolSchema),
      changed: z.array(z.object({ before: shownToolSchema, after: shownToolSchema })),
      removed: z.array(z.string()),
    })
    .nullable(),
});
export type McpServerView = z.infer<typeof mcpServerViewSchema>;
