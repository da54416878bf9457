/** The tools that an agent or a session declares. zod and a JSON Schema validator at run time: neither for workflows nor for browsers. */
import { z } from 'zod';
import { MAX_DECLARED_TOOLS, MAX_TOOL_SCHEMAS_BYTES } from './limits.ts';
import { schemaBytes, toolSchemaProblem } from './tool-schema.ts';
import { clientToolSchema } from './tools.ts';

/** Refuses what could not be checked in bounded time when the tool is called. */
export const declaredToolsSchema = z
  .array(clientToolSchema)
  .max(MAX_DECLARED_TOOLS)
  .superRefine((tools, context) => {
    const bytes = tools.reduce((sum, { inputSchema }) => sum + schemaBytes(inputSchema), 0);
    if (bytes > MAX_TOOL_SCHEMAS_BYTES) {
      const message = `expected schemas of at most ${MAX_TOOL_SCHEMAS_BYTES} bytes together`;
      context.addIssue({ code: 'custom', message });
      return;
    }
    for (const [index, { inputSchema }] of tools.entries()) {
      const problem = toolSchemaProblem(inputSchema);
      if (!problem) continue;
      const path = [index, 'inputSchema', ...problem.path];
      context.addIssue({ code: 'custom', path, message: problem.message });
      // One is enough to mend, and each costs time.
      return;
    }
  });
