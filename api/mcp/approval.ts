/** MCP servers belong to the installation, not to a tenant: its own operators look after them, and others see none. */
import { manifestChanges } from '../../contracts/mcp.ts';
import type { McpServers } from '../../contracts/mcp.ts';
import type { McpServerView } from '../../contracts/mcp-view.ts';
import { PerdureError } from '../../contracts/perdure-error.ts';
import type { McpManifestRow } from '../../journal/port.ts';
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
  return {
    server,
    transport: settings ? (settings.url === undefined ? 'stdio' : 'http') : null,
    enabled: settings?.enabled ?? false,
    approved: row
      ? {
          hash: row.approved.hash,
          at: row.approvedAt,
          by: row.approvedBy,
          tools: row.approved.tools.map(({ name }) => name),
        }
      : null,
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

/** @throws not_found, approval_stale */
export async function approveServer(
  { deps, principal, address }: ApiContext,
  { server, hash }: { server: string; hash: string },
): Promise<McpServerView> {
  const { mcpManifests } = deps.journal;
  const isOurs = principal.tenant === LOCAL_TENANT;
  const before = isOurs ? await mcpManifests.get(server) : undefined;
  if (!before)
    throw new PerdureError('not_found', `No MCP server "${server}" has listed its tools.`);
  const { tenant, user } = principal;
  const approved = await mcpManifests.approve({
    server,
    hash,
    by: `${tenant}/${user}`,
    audit: { tenant, user, details: { address } },
  });
  // A repeat of what is done changes nothing and is answered as the first was.
  const row = approved ?? (before.approved.hash === hash ? before : undefined);
  if (!row)
    throw new PerdureError(
      'approval_stale',
      `The MCP server ${server} does not list what you looked at: look at its tools again.`,
    );
  return viewOf(server, deps.settings.mcpServers, row);
}
