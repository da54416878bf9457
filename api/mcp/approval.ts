/** MCP servers belong to the installation, not to a tenant: its own operators look after them, and others see none. */
import { manifestChanges } from '../../contracts/mcp.ts';
import type { McpServers } from '../../contracts/mcp.ts';
import type { McpServerView } from '../../contracts/mcp-view.ts';
import { PerdureError } from '../../contracts/perdure-error.ts';
import type { McpManifestRow, McpDecision } from '../../journal/port.ts';
import { LOCAL_TENANT } from '../auth/principal.ts';
import type { ApiContext } from '../context.ts';

function waitingOf({ approved, listed }: McpManifestRow): McpServerView['waiting'] {
  if (!listed) return null;
  const { manifest, at: since } = listed;
  const changes = manifestChanges(approved, manifest);
  const before = new Map(approved.tools.map((tool) => [tool.name, tool]));
  const after = new Map(manifest.tools.map((tool) => [tool.name, tool]));
  return {
    hash: manifest.hash,
    since,
    added: changes.added.map((name) => after.get(name)!),
    changed: changes.changed.map((name) => ({
      before: before.get(name)!,
      after: after.get(name)!,
    })),
    removed: changes.removed,
  };
}

function viewOf(
  server: string,
  servers: McpServers,
  row: McpManifestRow | undefined,
): McpServerView {
  const settings = servers[server];
  const isRevoked = row?.approved.revoked === true;
  return {
    server,
    transport: settings ? (settings.url === undefined ? 'stdio' : 'http') : null,
    enabled: settings?.enabled ?? false,
    approved:
      row && !isRevoked
        ? {
            hash: row.approved.hash,
            at: row.approvedAt,
            by: row.approvedBy,
            tools: row.approved.tools.map(({ name }) => name),
          }
        : null,
    revoked: row && isRevoked ? { at: row.approvedAt, by: row.approvedBy } : null,
    waiting: row ? waitingOf(row) : null,
  };
}

export async function listServers({ deps, principal }: ApiContext): Promise<McpServerView[]> {
  if (principal.tenant !== LOCAL_TENANT) return [];
  const { mcpServers } = deps.settings;
  const rows = new Map((await deps.journal.mcpManifests.list()).map((row) => [row.server, row]));
  const names = [...new Set([...Object.keys(mcpServers), ...rows.keys()])].toSorted();
  return names.map((name) => viewOf(name, mcpServers, rows.get(name)));
}

/** @throws not_found where it has never listed its tools, or is none of this caller's */
async function knownServer(
  { deps, principal }: ApiContext,
  server: string,
): Promise<McpManifestRow> {
  const isOurs = principal.tenant === LOCAL_TENANT;
  const row = isOurs ? await deps.journal.mcpManifests.get(server) : undefined;
  if (!row) throw new PerdureError('not_found', `No MCP server "${server}" has listed its tools.`);
  return row;
}

function decisionOf({ principal, address }: ApiContext, server: string): McpDecision {
  const { tenant, user } = principal;
  return { server, by: `${tenant}/${user}`, audit: { tenant, user, details: { address } } };
}

/** @throws not_found, approval_stale */
export async function approveServer(
  context: ApiContext,
  { server, hash }: { server: string; hash: string },
): Promise<McpServerView> {
  const { deps } = context;
  const before = await knownServer(context, server);
  const decision = { ...decisionOf(context, server), hash };
  const approved = await deps.journal.mcpManifests.approve(decision);
  // A repeat of what is done changes nothing and is answered as the first was.
  const isDone = before.approved.hash === hash && !before.approved.revoked;
  const row = approved ?? (isDone ? before : undefined);
  if (!row)
    throw new PerdureError(
      'approval_stale',
      `The MCP server ${server} does not list what you looked at: look at its tools again.`,
    );
  return viewOf(server, deps.settings.mcpServers, row);
}

/**
 * None of its tools is offered or called until an operator approves a list again.
 * @throws not_found
 */
export async function revokeServer(context: ApiContext, server: string): Promise<McpServerView> {
  const { deps } = context;
  const before = await knownServer(context, server);
  const row = await deps.journal.mcpManifests.revoke(decisionOf(context, server));
  return viewOf(server, deps.settings.mcpServers, row ?? before);
}
