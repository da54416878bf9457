/** `perdure/tools`: what files in the folder of tools import. */
export { z } from 'zod';
export { defineTool, ToolError } from './define-tool.ts';
export type { DefinedTool, JsonSchema, ToolContext, ToolOptions } from './define-tool.ts';
export type { ProbeAnswer } from '../executor.ts';
