/** One connection to one server, from its start to its end. Whoever holds it decides about another one. */
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import type { CallToolResult, Progress, Transport } from '@modelcontextprotocol/client';
import { z } from 'zod';
import type { McpServerSettings, McpTool } from '../../../contracts/mcp.ts';
import { TIME_LIMITS } from '../../../contracts/limits.ts';
import type { ActivityLog } from '../../observed.ts';
import { redact } from '../../model/redaction.ts';
import type { SecretLookup } from '../../model/providers.ts';
import { ChildTransport } from './child-transport.ts';
import { httpTransport, withinCall } from './http-transport.ts';
import { MAX_MCP_LIST_BYTES, MAX_MCP_PAGES, MAX_MCP_TOOLS } from './limits.ts';
import { environmentOf, headersOf, secretsOf } from './secrets.ts';
import { StderrLog } from './stderr-log.ts';

export interface ConnectionParts {
  readonly name: string;
  readonly server: McpServerSettings;
  readonly secrets: SecretLookup;
  readonly log: ActivityLog;
  /** The server says that its list has changed. */
  readonly onToolsChanged: () => void;
  /** Do not ask for the newer protocol: the server died of that question. */
  readonly isOld: boolean;
}

/** A call on its way to the server. */
export interface McpCall {
  readonly tool: Pick<McpTool, 'name' | 'inputSchema'>;
  readonly input: unknown;
  readonly meta: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
  readonly onProgress: (progress: Progress) => void;
}

/** How the server ends a session that it was told of; nobody waits longer. */
const GOODBYE_MS = 1_000;
/** A server that speaks the older protocol only may say nothing to the first question. */
const PROBE_SHARE = 0.2;
/** Our own limit of a call is below it: the SDK has none. */
const NEVER_MS = TIME_LIMITS.commandMaxMs + 60_000;

/** A page as a stranger may write it: each tool is judged by itself. */
const pageSchema = z.looseObject({
  tools: z.array(z.unknown()),
  nextCursor: z.string().optional(),
});

export class McpConnection {
  readonly #client: Client;
  readonly #parts: ConnectionParts;
  readonly #transport: Transport;
  readonly #stderr: StderrLog;
  readonly #closed = Promise.withResolvers<void>();
  #isClosed = false;
  #lastError = '';

  private constructor(parts: ConnectionParts) {
    const { server, name, secrets, log } = parts;
    this.#parts = parts;
    this.#stderr = new StderrLog({ server: name, log, secrets: secretsOf(server, secrets) });
    this.#transport = this.#open();
    this.#client = this.#newClient();
  }

  /** @throws {Error} where it cannot be had in `connectMs`; then nothing of it is left */
  static async open(parts: ConnectionParts): Promise<McpConnection> {
    const connection = new McpConnection(parts);
    const { connectMs } = parts.server;
    const signal = AbortSignal.timeout(connectMs);
    const late = new Promise<never>((_, reject) =>
      signal.addEventListener('abort', () =>
        reject(new Error(`it did not answer in ${connectMs / 1_000} s`)),
      ),
    );
    const { isOld } = parts;
    const options = { timeout: connectMs, ...(isOld && { prior: { kind: 'legacy' as const } }) };
    try {
      await Promise.race([connection.#client.connect(connection.#transport, options), late]);
      return connection;
    } catch (error) {
      const reason = connection.#explain(error);
      await connection.close();
      throw new Error(reason, { cause: error });
    }
  }

  /** Settles when the connection has ended, by whomever. */
  get closed(): Promise<void> {
    return this.#closed.promise;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Why it ended, for people: no secret is in it. */
  get why(): string {
    return this.#explain(this.#lastError || 'the server closed the connection');
  }

  /** Process of the server; null for one behind HTTP. */
  get pid(): number | null {
    return this.#transport instanceof ChildTransport ? this.#transport.pid : null;
  }

  /**
   * All pages of its list.
   * @throws {Error} where there is more than a worker takes
   */
  async list(): Promise<readonly unknown[]> {
    if (!this.#client.getServerCapabilities()?.tools) return [];
    const tools: unknown[] = [];
    const signal = AbortSignal.timeout(this.#parts.server.connectMs);
    let cursor: string | undefined;
    let bytes = 0;
    for (let pages = 0; pages < MAX_MCP_PAGES; pages += 1) {
      const params = cursor === undefined ? {} : { cursor };
      const request = { method: 'tools/list' as const, params };
      const page = await this.#client.request(request, pageSchema, { signal });
      tools.push(...page.tools);
      bytes += JSON.stringify(page.tools).length;
      if (tools.length > MAX_MCP_TOOLS)
        throw new Error(`it lists more than ${MAX_MCP_TOOLS} tools`);
      if (bytes > MAX_MCP_LIST_BYTES)
        throw new Error(`its list of tools has more than ${MAX_MCP_LIST_BYTES} bytes`);
      cursor = page.nextCursor;
      if (cursor === undefined) return tools;
    }
    throw new Error(`its list of tools has more than ${MAX_MCP_PAGES} pages`);
  }

  /** @throws what the client of the protocol throws; see `fateOf` */
  async call({ tool, input, meta, signal, onProgress }: McpCall): Promise<CallToolResult> {
    const { name, inputSchema } = tool;
    const params = { name, arguments: input as Record<string, unknown>, _meta: meta };
    const options = {
      signal,
      timeout: NEVER_MS,
      onprogress: onProgress,
      // Without its output schema, which the SDK would check with patterns that may take for ever.
      toolDefinition: { name, inputSchema: { ...inputSchema, type: 'object' as const } },
    };
    return await withinCall(() => this.#client.callTool(params, options));
  }

  /** Whether the server still answers; ends the connection where it does not. */
  async check(): Promise<void> {
    try {
      await this.list();
    } catch (error) {
      this.#lastError ||= this.#explain(error);
      await this.close();
    }
  }

  async close(): Promise<void> {
    if (this.#transport instanceof StreamableHTTPClientTransport) {
      const late = new Promise((resolve) => setTimeout(resolve, GOODBYE_MS).unref());
      await Promise.race([this.#transport.terminateSession().catch(() => undefined), late]);
    }
    await this.#transport.close().catch(() => undefined);
    this.#onClosed();
  }

  #onClosed(): void {
    this.#isClosed = true;
    this.#closed.resolve();
  }

  #open(): Transport {
    const { server, secrets } = this.#parts;
    if (server.url !== undefined) return httpTransport(server.url, headersOf(server, secrets));
    const { command = '', args, cwd } = server;
    const env = environmentOf(server, secrets);
    return new ChildTransport({ command, args, cwd, env, onStderr: this.#stderr.take });
  }

  #newClient(): Client {
    const { server, onToolsChanged } = this.#parts;
    const timeoutMs = Math.ceil(server.connectMs * PROBE_SHARE);
    const client = new Client(
      { name: 'perdure', version: '0.1.0' },
      {
        // It may ask us for nothing: no sampling, no questions to people, no folders.
        capabilities: {},
        inputRequired: { autoFulfill: false },
        versionNegotiation: { mode: 'auto', probe: { timeoutMs } },
        listChanged: { tools: { autoRefresh: false, debounceMs: 0, onChanged: onToolsChanged } },
      },
    );
    const onerror = (error: Error): void => {
      this.#lastError = this.#explain(error);
      this.#parts.log.debug({ mcpServer: this.#parts.name, reason: this.#lastError }, 'MCP error');
    };
    return Object.assign(client, { onerror, onclose: () => this.#onClosed() });
  }

  /** In words, without secrets: with how its process ended, and the last that it said. */
  #explain(error: unknown): string {
    const { server, secrets } = this.#parts;
    const child = this.#transport instanceof ChildTransport ? this.#transport : undefined;
    const how = child?.pid === null ? `: ${child.how}` : '';
    const said = how && this.#stderr.last ? ` (it said: ${this.#stderr.last})` : '';
    const text = error instanceof Error ? error.message : String(error);
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause.message : '';
    const words = [text, ...(cause && !text.includes(cause) ? [`: ${cause}`] : []), how, said];
    return redact(words.join(''), secretsOf(server, secrets));
  }
}
