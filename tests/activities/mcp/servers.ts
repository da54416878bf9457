/** MCP servers of the tests, as perdure.yaml would describe them. */
import { fileURLToPath } from 'node:url';
import type { McpServerSettings } from '../../../contracts/mcp.ts';
import { mcpServerSchema } from '../../../contracts/mcp.ts';

const program = (name: string): string =>
  fileURLToPath(new URL(`../../support/mcp/${name}.ts`, import.meta.url));

type More = Partial<McpServerSettings>;

const started = (args: readonly string[], more: More): McpServerSettings =>
  mcpServerSchema.parse({ command: process.execPath, args, ...more });

/** The reference server of the protocol's authors. */
export const EVERYTHING = fileURLToPath(
  import.meta.resolve('@modelcontextprotocol/server-everything/dist/index.js'),
);

export const everything = (more: More = {}): McpServerSettings =>
  started([EVERYTHING, 'stdio'], more);

export const shop = (folder: string, more: More = {}): McpServerSettings =>
  started([program('shop'), folder], more);

/** Answers with every kind of content. */
export const gallery = (more: More = {}): McpServerSettings => started([program('gallery')], more);

/** Arguments of a shop behind HTTP. */
export const httpShop = (folder: string, port: number): readonly string[] => [
  program('shop'),
  folder,
  `${port}`,
];

export const stranger = (how: string, more: More = {}): McpServerSettings =>
  started([program('stranger'), how], more);
