/** MCP servers as a source of tools: a pool of this worker's own, one connection a server. */
import { matchesTool } from '../../../contracts/mcp.ts';
import type { McpServers } from '../../../contracts/mcp.ts';
import type { TimeLimits } from '../../../contracts/limits.ts';
import type { Journal } from '../../../journal/port.ts';
import type { ActivityDependencies } from '../../dependencies.ts';
import type { ToolDefinition } from '../definition.ts';
import type { OfferedTo, ToolSource } from '../source.ts';
import { definitionsOf } from './definitions.ts';
import { mcpExecutor } from './executor.ts';
import type { PooledServer } from './executor.ts';
import { offeredName } from './manifest.ts';
import { mcpNames, serverIn } from './names.ts';
import { McpServer } from './server.ts';
import { changedText, revokedText, Trust } from './trust.ts';

export interface McpParts extends Pick<ActivityDependencies, 'secrets' | 'log' | 'metrics'> {
  readonly journal: Pick<Journal, 'artifacts' | 'sessions' | 'mcpManifests'>;
  readonly servers: McpServers;
  readonly timeouts: Pick<TimeLimits, 'commandMs'>;
}

export interface McpSource extends ToolSource, AsyncDisposable {
  /** Connects to the servers, and waits for none of them. */
  start(): Promise<void>;
  /** Processes of the servers that are connected. */
  pids(): readonly number[];
}

interface Remembered {
  /** Of what was approved, and of what was listed. */
  readonly hashes: string;
  readonly definitions: readonly ToolDefinition[];
}

class McpPool {
  readonly #parts: McpParts;
  readonly #servers = new Map<string, PooledServer>();
  readonly #remembered = new Map<string, Remembered>();
  readonly trust: Trust;

  constructor(parts: McpParts) {
    const { servers, journal, log, metrics } = parts;
    this.#parts = parts;
    const enabled = Object.entries(servers).filter(([, { enabled }]) => enabled);
    const names = enabled.map(([name]) => name);
    this.trust = new Trust(names, { manifests: journal.mcpManifests, log, metrics });
    for (const [name, settings] of enabled)
      this.#servers.set(name, { name, settings, server: this.#serverOf(name) });
  }

  get servers(): readonly PooledServer[] {
    return [...this.#servers.values()];
  }

  leadsTo = (tool: string): PooledServer | undefined => this.#servers.get(serverIn(tool) ?? '');

  /** From memory: the same list for the same approval and the same server, so that a request's beginning stays as it is. */
  definitions({ name, settings, server }: PooledServer): readonly ToolDefinition[] {
    const approved = this.trust.approvedOf(name);
    if (!approved) return [];
    const listed = server.listing?.manifest;
    const hashes = `${approved.hash} ${listed?.hash}`;
    const known = this.#remembered.get(name);
    if (known?.hashes === hashes) return known.definitions;
    const { timeouts } = this.#parts;
    const definitions = definitionsOf({ name, settings, timeouts }, approved, listed);
    this.#remembered.set(name, { hashes, definitions });
    return definitions;
  }

  /** Why a tool that it had, or has, is not offered. */
  absence = (tool: string): string | undefined => {
    const pooled = this.leadsTo(tool);
    if (!pooled) return undefined;
    const { name, server, settings } = pooled;
    const approved = this.trust.approvedOf(name);
    if (approved?.revoked) return revokedText(name);
    const listed = server.listing?.manifest.tools ?? [];
    const found = listed.find((each) => offeredName(name, each.name) === tool);
    const isAllowed = found && matchesTool(settings.allow, found.name);
    return isAllowed && approved ? changedText(name, tool) : undefined;
  };

  #serverOf(name: string): McpServer {
    const { servers, secrets, log, metrics } = this.#parts;
    return new McpServer({
      name,
      server: servers[name]!,
      secrets,
      log,
      onListed: (manifest, signal) => this.trust.observe(name, manifest, signal),
      onConnected: (connected) => metrics?.mcpConnected(name, connected),
    });
  }
}

export function mcpSource(parts: McpParts): McpSource {
  const pool = new McpPool(parts);
  const { journal, secrets, servers } = parts;
  const { trust, leadsTo: serverOf } = pool;
  return {
    ...mcpNames(servers),
    offered: ({ names }: OfferedTo) =>
      pool.servers
        .flatMap((server) => pool.definitions(server))
        .filter((definition) => names(definition.name)),
    absence: pool.absence,
    executors: { mcp: mcpExecutor({ journal, secrets, trust, serverOf }) },
    async start() {
      await trust.start();
      for (const { server } of pool.servers) server.start();
    },
    pids: () => pool.servers.flatMap(({ server }) => server.pid ?? []),
    async [Symbol.asyncDispose]() {
      trust[Symbol.dispose]();
      await Promise.all(pool.servers.map(({ server }) => server.stop()));
    },
  };
}
