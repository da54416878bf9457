/** MCP servers: whether they could be started or asked, and whether tools of theirs wait for an approval. None is started. */
import { access, constants } from 'node:fs/promises';
import { delimiter, isAbsolute, join, resolve } from 'node:path';
import type { SecretLookup } from '../../config/secrets.ts';
import type { Settings } from '../../config/settings.ts';
import { mcpReferences } from '../../contracts/mcp.ts';
import type { McpServerSettings } from '../../contracts/mcp.ts';
import type { McpServerView } from '../../contracts/mcp-view.ts';
import { localUrl } from '../local-url.ts';
import { ok, problem, warning } from './check.ts';
import type { Finding } from './check.ts';

const PROBE_MS = 2_000;

export async function checkMcpServers(
  settings: Settings,
  secrets: SecretLookup,
): Promise<readonly Finding[]> {
  const servers = Object.entries(settings.mcpServers).filter(([, { enabled }]) => enabled);
  if (servers.length === 0) return [];
  const views = new Map((await knownServers(settings)).map((view) => [view.server, view]));
  const findings = servers.map(async ([name, server]) => [
    await checkServer(name, server, secrets),
    ...trustFindings(views.get(name)),
  ]);
  return (await Promise.all(findings)).flat();
}

async function checkServer(
  name: string,
  server: McpServerSettings,
  secrets: SecretLookup,
): Promise<Finding> {
  const check = `MCP server ${name}`;
  const unset = mcpReferences(server).filter((variable) => secrets(variable) === undefined);
  if (unset.length > 0) {
    const variables = unset.join(', ');
    return problem(
      check,
      `not set: ${variables}`,
      `Set ${variables} for the worker and restart it.`,
    );
  }
  if (server.command === undefined) return ok(check, server.url ?? '');
  return (await isThere(server.command, secrets('PATH') ?? ''))
    ? ok(check, server.command)
    : problem(check, `there is no program "${server.command}"`, 'Install it, or give its path.');
}

async function isThere(command: string, path: string): Promise<boolean> {
  const places = command.includes('/')
    ? [isAbsolute(command) ? command : resolve(command)]
    : path.split(delimiter).map((folder) => join(folder, command));
  const found = await Promise.allSettled(places.map((place) => access(place, constants.X_OK)));
  return found.some(({ status }) => status === 'fulfilled');
}

function trustFindings(view: McpServerView | undefined): readonly Finding[] {
  if (!view) return [];
  const { server, revoked, waiting } = view;
  const what = revoked
    ? `its approval was revoked by ${revoked.by}: none of its tools is offered`
    : waiting && waiting.added.length + waiting.changed.length > 0
      ? 'lists new or changed tools, which are not offered'
      : undefined;
  if (what === undefined) return [];
  const next = `Look at them with \`npx perdure mcp list\`, then run \`npx perdure mcp approve ${server}\`.`;
  return [warning(`MCP server ${server}`, what, next)];
}

/** As the API knows it, where one runs that answers to this caller. */
async function knownServers(settings: Settings): Promise<readonly McpServerView[]> {
  const key = process.env['PERDURE_KEY'];
  const response = await fetch(`${localUrl(settings)}/api/mcp-servers`, {
    headers: key ? { authorization: `Bearer ${key}` } : {},
    signal: AbortSignal.timeout(PROBE_MS),
  }).catch(() => null);
  if (!response?.ok) return [];
  const { servers = [] } = (await response.json().catch(() => ({}))) as {
    servers?: readonly McpServerView[];
  };
  return servers;
}
