/** One configured server in this worker: connected to when the worker starts, again whenever it goes away, its list always at hand. */
import { setTimeout as delay } from 'node:timers/promises';
import { ExponentialBackoff } from 'cockatiel';
import type { IBackoff } from 'cockatiel';
import type { McpManifest } from '../../../contracts/mcp.ts';
import { McpConnection } from './connection.ts';
import type { ConnectionParts } from './connection.ts';
import { readListing } from './listed-tool.ts';
import type { Listing } from './manifest.ts';
import { secretsOf } from './secrets.ts';

export interface ServerParts extends Omit<ConnectionParts, 'onToolsChanged' | 'isOld'> {
  /** Told of every list that is not the one before; until it has been taken in, nobody calls what is on it. */
  readonly onListed: (manifest: McpManifest, signal: AbortSignal) => Promise<void>;
  readonly onConnected: (connected: boolean) => void;
}

export interface Live {
  readonly connection: McpConnection;
  readonly listing: Listing;
}

const BACKOFF = { initialDelay: 500, maxDelay: 60_000 };
/** A server that lasted this long did not fail at its start: it gets the short wait again. */
const LASTING_MS = 60_000;
/** However often a server says that its list has changed. */
const BETWEEN_LISTS_MS = 1_000;
/** Servers that do not say so are asked; it also finds out that one behind HTTP is gone. */
const LIST_EVERY_MS = 60_000;

export class McpServer {
  readonly #parts: ServerParts;
  readonly #stopped = new AbortController();
  #running: Promise<void> | undefined;
  #live: Live | undefined;
  #problem = 'it has not answered yet';
  #isOld = false;
  /** Its list may be another one by now. */
  #isStale = false;
  #stale = Promise.withResolvers<void>();
  #change = Promise.withResolvers<void>();

  constructor(parts: ServerParts) {
    this.#parts = parts;
  }

  start(): void {
    this.#running ??= this.#run();
  }

  /** What it lists; undefined while it is away. */
  get listing(): Listing | undefined {
    return this.#live?.listing;
  }

  /** Process of the server. */
  get pid(): number | null {
    return this.#live?.connection.pid ?? null;
  }

  /**
   * The connection with a list that is up to date.
   * @throws {Error} where there is none before `signal` aborts, or within the server's `connectMs`
   */
  async connected(signal: AbortSignal): Promise<Live> {
    const { name, server } = this.#parts;
    const enough = AbortSignal.any([
      signal,
      this.#stopped.signal,
      AbortSignal.timeout(server.connectMs),
    ]);
    const over = new Promise<void>((resolve) => enough.addEventListener('abort', () => resolve()));
    for (;;) {
      if (this.#live && !this.#isStale) return this.#live;
      if (enough.aborted)
        throw new Error(`The MCP server ${name} is not connected: ${this.#problem}.`);
      await Promise.race([this.#change.promise, over]);
    }
  }

  async stop(): Promise<void> {
    this.#stopped.abort();
    await this.#live?.connection.close();
    await this.#running;
  }

  async #run(): Promise<void> {
    const fresh: IBackoff<unknown> = new ExponentialBackoff(BACKOFF).next();
    let backoff = fresh;
    while (!this.#stopped.signal.aborted) {
      const since = performance.now();
      await this.#lifetime().catch((error: unknown) => {
        this.#problem = (error as Error).message;
      });
      if (this.#stopped.signal.aborted) return;
      if (performance.now() - since > LASTING_MS) backoff = fresh;
      const { log, name } = this.#parts;
      const retryInMs = Math.ceil(backoff.duration);
      log.warn({ mcpServer: name, reason: this.#problem, retryInMs }, 'MCP server is away');
      await delay(retryInMs, undefined, { signal: this.#stopped.signal }).catch(() => undefined);
      backoff = backoff.next(undefined);
    }
  }

  /** Of one connection. @throws {Error} where it did not come to be */
  async #lifetime(): Promise<void> {
    const connection = await this.#connect();
    const { signal } = this.#stopped;
    const stop = (): void => void connection.close();
    signal.addEventListener('abort', stop);
    try {
      await this.#relist(connection);
      this.#parts.onConnected(true);
      await this.#keepListed(connection);
      this.#problem = connection.why;
    } finally {
      signal.removeEventListener('abort', stop);
      this.#live = undefined;
      this.#parts.onConnected(false);
      this.#changed();
      await connection.close();
    }
  }

  async #connect(): Promise<McpConnection> {
    const onToolsChanged = (): void => {
      this.#isStale = true;
      this.#stale.resolve();
    };
    try {
      return await McpConnection.open({ ...this.#parts, onToolsChanged, isOld: this.#isOld });
    } catch (error) {
      // Some servers of the older protocol end at a question of the newer one: the next try does not ask it.
      this.#isOld = !this.#isOld && this.#parts.server.command !== undefined;
      throw error;
    }
  }

  /** Until the connection ends. @throws {Error} where the server lists what a worker does not take */
  async #keepListed(connection: McpConnection): Promise<void> {
    for (;;) {
      await within(BETWEEN_LISTS_MS, connection.closed);
      await within(LIST_EVERY_MS, Promise.race([connection.closed, this.#stale.promise]));
      if (connection.isClosed) return;
      await this.#relist(connection);
    }
  }

  async #relist(connection: McpConnection): Promise<void> {
    this.#isStale = false;
    this.#stale = Promise.withResolvers();
    const { name, server, secrets, log, onListed } = this.#parts;
    const listing = readListing(name, await connection.list(), secretsOf(server, secrets));
    const isNew = this.#live?.listing.manifest.hash !== listing.manifest.hash;
    if (isNew || this.#live?.connection !== connection) {
      const { tools } = listing.manifest;
      const { refused } = listing;
      log.info(
        { mcpServer: name, tools: tools.length, refused },
        'MCP server has listed its tools',
      );
      await onListed(listing.manifest, this.#stopped.signal);
    }
    this.#live = { connection, listing };
    this.#changed();
  }

  #changed(): void {
    this.#change.resolve();
    this.#change = Promise.withResolvers();
  }
}

/** Settles with `event`, or when the time is over. */
async function within(ms: number, event: Promise<void>): Promise<void> {
  const over = new AbortController();
  const time = delay(ms, undefined, { signal: over.signal }).catch(() => undefined);
  await Promise.race([event, time]);
  over.abort();
}
