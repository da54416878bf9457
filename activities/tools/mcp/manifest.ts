/** From what a server lists to tools that a model may be offered. A server's words are a stranger's: what is wrong is refused. Pure. */
import type { McpHints, McpManifest, McpTool } from '../../../contracts/mcp.ts';
import { MCP_SEPARATOR } from '../../../contracts/mcp.ts';
import { toolSchemaProblem } from '../../../contracts/tool-schema.ts';
import { toolNameSchema } from '../../../contracts/tools.ts';
import { sha256 } from '../../digest.ts';
import { cleanText } from '../../../contracts/clean-text.ts';
import { MAX_DESCRIPTION_CHARACTERS } from './limits.ts';

/** As the protocol has it; only what we use. */
export interface ListedTool {
  readonly name: string;
  readonly title?: string | undefined;
  readonly description?: string | undefined;
  readonly inputSchema: Readonly<Record<string, unknown>>;
  readonly outputSchema?: Readonly<Record<string, unknown>> | undefined;
  readonly annotations?:
    | {
        readonly readOnlyHint?: boolean | undefined;
        readonly destructiveHint?: boolean | undefined;
        readonly idempotentHint?: boolean | undefined;
        readonly openWorldHint?: boolean | undefined;
      }
    | undefined;
  /** What the client must be able to do for it. Not of the hash: such a tool is refused, or is as it was. */
  readonly execution?: { readonly taskSupport?: unknown } | undefined;
}

export interface RefusedTool {
  readonly name: string;
  readonly reason: string;
}

export interface Listing {
  readonly manifest: McpManifest;
  readonly refused: readonly RefusedTool[];
}

/** The same text for the same value, whatever the order of its keys. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}

const LONGEST_NAME = 64;
const SHORT_HASH = 8;

/** What the model calls it. A name outside of our form is made to fit; what is too long ends with a hash, so that it stays the same. */
export function offeredName(server: string, tool: string): string {
  const name = `${server}${MCP_SEPARATOR}${tool.replaceAll(/[^A-Za-z0-9_-]/g, '_')}`;
  if (name.length <= LONGEST_NAME) return name;
  return `${name.slice(0, LONGEST_NAME - SHORT_HASH - 1)}_${sha256(tool).slice(0, SHORT_HASH)}`;
}

const hintsOf = ({ annotations = {} }: ListedTool): McpHints =>
  // Through JSON, as it is kept: what is undefined is not there.
  JSON.parse(
    JSON.stringify({
      readOnly: annotations.readOnlyHint,
      destructive: annotations.destructiveHint,
      idempotent: annotations.idempotentHint,
      openWorld: annotations.openWorldHint,
    }),
  ) as McpHints;

function toolOf(listed: ListedTool): McpTool {
  const { name, title, description, inputSchema, outputSchema, annotations } = listed;
  const all = { name, title, description, inputSchema, outputSchema, annotations };
  const said = cleanText(description?.trim() || title?.trim() || name);
  return {
    name,
    description:
      said.length <= MAX_DESCRIPTION_CHARACTERS
        ? said
        : `${said.slice(0, MAX_DESCRIPTION_CHARACTERS - 1)}…`,
    inputSchema,
    ...(outputSchema && { outputSchema }),
    hints: hintsOf(listed),
    hash: sha256(canonicalJson(all)),
  };
}

function objection(server: string, tool: ListedTool): string | undefined {
  if (cleanText(tool.name) !== tool.name || tool.name.length > 128)
    return 'its name is longer than 128 characters, or no text';
  if (!toolNameSchema.safeParse(offeredName(server, tool.name)).success)
    return 'its name cannot be made to fit';
  if (tool.execution?.taskSupport === 'required')
    return 'it can be called as a task only, which is not supported';
  for (const part of ['inputSchema', 'outputSchema'] as const) {
    const problem = tool[part] && toolSchemaProblem(tool[part]);
    if (problem) return `${[part, ...problem.path].join('.')} ${problem.message}`;
  }
  return undefined;
}

/** Two tools that the model could not tell apart, or the server: neither is offered, whichever comes first. */
function clashing(server: string, tools: readonly ListedTool[]): ReadonlySet<string> {
  const byName = Map.groupBy(tools, ({ name }) => offeredName(server, name));
  return new Set([...byName].flatMap(([name, same]) => (same.length > 1 ? [name] : [])));
}

export function listingOf(server: string, listed: readonly ListedTool[]): Listing {
  const clashes = clashing(server, listed);
  const judged = listed.map((tool) => ({
    tool,
    reason: clashes.has(offeredName(server, tool.name))
      ? 'another tool of the server has the same name'
      : objection(server, tool),
  }));
  const tools = judged
    .filter(({ reason }) => reason === undefined)
    .map(({ tool }) => toolOf(tool))
    .toSorted((a, b) => (a.name < b.name ? -1 : 1));
  const refused = judged.flatMap(({ tool, reason }) =>
    reason === undefined ? [] : [{ name: cleanText(tool.name.slice(0, 128)), reason }],
  );
  return { manifest: { hash: sha256(tools.map(({ hash }) => hash).join()), tools }, refused };
}
