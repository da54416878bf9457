/** Which tools of which server may be offered and run: what the journal says is approved, at hand for every model step. */
import { ExponentialBackoff, handleAll, retry } from 'cockatiel';
import { manifestChanges, needsApproval } from '../../../contracts/mcp.ts';
import type { McpManifest } from '../../../contracts/mcp.ts';
import type { McpManifestRow, McpManifests } from '../../../journal/port.ts';
import type { ActivityDependencies } from '../../dependencies.ts';

export interface TrustParts {
  readonly manifests: McpManifests;
  readonly log: ActivityDependencies['log'];
  readonly metrics?: ActivityDependencies['metrics'];
}

/** An approval counts in every worker after so long; calls look into the journal themselves. */
const LOOK_EVERY_MS = 3_000;
const BACKOFF = { initialDelay: 100, maxDelay: 10_000 };

/** Tools that are not offered until somebody approves them. */
const waitingIn = ({ approved, listed }: McpManifestRow): readonly string[] => {
  if (!listed) return [];
  const changes = manifestChanges(approved, listed.manifest);
  return needsApproval(changes) ? [...changes.changed, ...changes.added] : [];
};

/** Why nothing of the server is called, for models and people. */
export const revokedText = (server: string): string =>
  `An operator has revoked the approval of the MCP server ${server}: none of its tools is called until one approves them again (perdure mcp approve ${server}).`;

export const changedText = (server: string, tool: string): string =>
  `The MCP server ${server} has changed "${tool}". It is not called until an operator approves the change (perdure mcp approve ${server}).`;

export class Trust implements Disposable {
  readonly #parts: TrustParts;
  readonly #rows = new Map<string, McpManifestRow>();
  readonly #servers: ReadonlySet<string>;
  #timer: NodeJS.Timeout | undefined;

  constructor(servers: Iterable<string>, parts: TrustParts) {
    this.#servers = new Set(servers);
    this.#parts = parts;
  }

  /** Reads what is approved already: a server that is slow to start offers what it had. */
  async start(): Promise<void> {
    await this.#look();
    this.#timer = setInterval(() => void this.#look(), LOOK_EVERY_MS);
    this.#timer.unref();
  }

  /** What is approved of a server, as it was a moment ago; undefined where it was never listed. */
  approvedOf(server: string): McpManifest | undefined {
    return this.#rows.get(server)?.approved;
  }

  /** As the journal has it now. @throws journal_unavailable */
  async lookAt(server: string): Promise<McpManifest | undefined> {
    const row = await this.#parts.manifests.get(server);
    if (row) this.#take(row);
    return row?.approved;
  }

  /** Tells the journal what a server lists; until the journal has taken it. */
  async observe(server: string, manifest: McpManifest, signal: AbortSignal): Promise<void> {
    const { manifests, log } = this.#parts;
    const untilItWorks = retry(handleAll, {
      backoff: new ExponentialBackoff(BACKOFF),
      maxAttempts: Number.MAX_SAFE_INTEGER,
    });
    const row = await untilItWorks.execute(() => manifests.observe(server, manifest), signal);
    const first = !this.#rows.has(server) && row.listed === null && row.approvedBy === null;
    this.#take(row);
    const waiting = waitingIn(row);
    if (row.approved.revoked) return;
    if (waiting.length > 0)
      log.warn(
        { mcpServer: server, tools: waiting, hash: manifest.hash },
        `MCP server lists changed tools: they are not offered until an operator runs "perdure mcp approve ${server}"`,
      );
    else if (first)
      log.info(
        { mcpServer: server, hash: manifest.hash, tools: manifest.tools.length },
        'MCP server is used for the first time: what it lists is trusted from now on',
      );
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }

  async #look(): Promise<void> {
    const { manifests, log } = this.#parts;
    try {
      for (const [server, hash] of await manifests.approvedHashes()) {
        if (!this.#servers.has(server) || this.#rows.get(server)?.approved.hash === hash) continue;
        const row = await manifests.get(server);
        if (row) this.#take(row);
      }
    } catch (error) {
      log.warn({ err: error }, 'What is approved of MCP servers cannot be read');
    }
  }

  #take(row: McpManifestRow): void {
    const { log, metrics } = this.#parts;
    const { server, approved } = row;
    if (approved.revoked && !this.#rows.get(server)?.approved.revoked)
      log.warn({ mcpServer: server, by: row.approvedBy }, revokedText(server));
    this.#rows.set(server, row);
    metrics?.mcpWaiting(server, waitingIn(row).length);
  }
}
