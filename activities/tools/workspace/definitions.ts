/** What the model is told about the workspace tools. */
import type { DEFAULT_TOOLS } from '../../../contracts/settings.ts';
import type { ToolDefinition } from '../definition.ts';

export type WorkspaceTool = (typeof DEFAULT_TOOLS)[number];

export const path = (what: string) => ({
  type: 'string',
  description: `${what}, relative to the workspace.`,
  maxLength: 4_096,
});

const read = (
  name: WorkspaceTool,
  description: string,
  inputSchema: ToolDefinition['inputSchema'],
): Omit<ToolDefinition, 'timeoutMs'> => ({
  name,
  description,
  inputSchema,
  effect: 'read',
  mode: 'worker',
});

export const WORKSPACE_DEFINITIONS: Readonly<
  Record<WorkspaceTool, Omit<ToolDefinition, 'timeoutMs'>>
> = {
  list_files: read(
    'list_files',
    'Lists the files and folders in a folder of the workspace. Folders end with a slash.',
    {
      type: 'object',
      properties: {
        path: path('Folder, "." is the workspace itself'),
        recursive: {
          type: 'boolean',
          description: 'Also what is in its folders.',
        },
      },
      additionalProperties: false,
    },
  ),
  read_file: read('read_file', 'Reads a text file of the workspace, whole or some of its lines.', {
    type: 'object',
    properties: {
      path: path('File'),
      firstLine: { type: 'integer', minimum: 1 },
      lastLine: { type: 'integer', minimum: 1 },
    },
    required: ['path'],
    additionalProperties: false,
  }),
  search_files: read(
    'search_files',
    "Finds the lines of the workspace's text files that contain a text, ignoring case. Skips .git and node_modules.",
    {
      type: 'object',
      properties: {
        query: { type: 'string', minLength: 1, maxLength: 1_000 },
        path: path('Folder to search, "." is the whole workspace'),
      },
      required: ['query'],
      additionalProperties: false,
    },
  ),
};
