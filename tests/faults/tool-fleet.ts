/** A fleet whose agent has the tools of {@link writeTools}, and one session of it whose model calls them. */
import { join } from 'node:path';
import { expect } from 'vitest';
import type { PerdureEvent } from '../../contracts/events.ts';
import type { MessageId, SessionId } from '../../contracts/ids.ts';
import type { Cluster } from '../support/cluster.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { postJson, startSession, watch } from '../support/watcher.ts';
import type { Watcher } from '../support/watcher.ts';
import { startEffectServer, TOOLS, writeTools } from './effect-server.ts';
import type { EffectServer } from './effect-server.ts';
import { startFleet } from './fault-cluster.ts';

export interface ToolFleet extends AsyncDisposable {
  readonly cluster: Cluster;
  readonly world: EffectServer;
}

export async function startToolFleet(): Promise<ToolFleet> {
  await using started = new AsyncDisposableStack();
  const folder = started.use(await temporaryFolder()).path;
  const world = started.use(await startEffectServer());
  const toolsFolder = join(folder, 'tools');
  await writeTools(toolsFolder, world.url);
  const settings = {
    toolsFolder,
    agents: { assistant: { tools: [...TOOLS, 'flood'] } },
    limits: { parallelCalls: 64 },
  };
  const cluster = started.use(await startFleet({ settings }));
  const kept = started.move();
  return { cluster, world, [Symbol.asyncDispose]: () => kept.disposeAsync() };
}

/** The outcomes of the calls of a turn, by tool; a list where a tool was called more than once. */
type Outcomes = Readonly<Record<string, string>>;

export class ToolSession implements AsyncDisposable {
  readonly watcher: Watcher;
  readonly #cluster: Cluster;

  constructor(cluster: Cluster, sessionId: SessionId) {
    this.#cluster = cluster;
    this.watcher = watch(cluster.urls, sessionId);
  }

  get #url(): string {
    return `${this.#cluster.urls[0]}/api/sessions/${this.watcher.sessionId}`;
  }

  /** The model calls these tools in its next step. */
  async call(tools: readonly string[], more: object = {}): Promise<MessageId> {
    const toolCalls = tools.map((name, number) => ({ name, arguments: { number } }));
    this.#cluster.model.script({ toolCalls, ...more });
    return this.watcher.send('#done tokens=2');
  }

  post(path: string): Promise<unknown> {
    return postJson(`${this.#url}/${path}`, {});
  }

  #of<T extends PerdureEvent['type']>(turn: MessageId, type: T) {
    return this.watcher.events.filter(
      (event): event is Extract<PerdureEvent, { type: T }> =>
        event.turn === turn && event.type === type,
    );
  }

  async requested(turn: MessageId, count: number): Promise<void> {
    await this.watcher.until(
      `${count} requested calls`,
      () => this.#of(turn, 'tool.requested').length === count,
    );
  }

  async settledCalls(turn: MessageId, count: number): Promise<void> {
    await this.watcher.until(
      `${count} settled calls`,
      () => this.#of(turn, 'tool.settled').length === count,
    );
  }

  /** When the turn is over: how its calls ended, each of which has exactly one result. */
  async outcomes(turn: MessageId): Promise<Outcomes> {
    await this.watcher.settled(turn, 240_000);
    const requested = this.#of(turn, 'tool.requested').map(({ data }) => data.callId);
    const settled = this.#of(turn, 'tool.settled');
    expect(settled.map(({ data }) => data.callId).toSorted()).toEqual(requested.toSorted());
    const response = await fetch(`${this.#url}/transcript`);
    const { messages } = (await response.json()) as {
      messages: { role: string; id: string; turn: string }[];
    };
    const results = messages.filter(
      (row) => row.role === 'tool' && requested.includes(row.id as never),
    );
    expect(results.map(({ id }) => id).toSorted()).toEqual(requested.toSorted());
    return Object.fromEntries(settled.map(({ data }) => [data.name, data.outcome]));
  }

  /** The model was shown exactly one result for each call that it made, so that its next step is well-formed. */
  expectWellFormed(): void {
    const body = this.#cluster.model.requests.at(-1)?.body as {
      messages: { role: string; tool_call_id?: string; tool_calls?: { id: string }[] }[];
    };
    const asked = body.messages.flatMap(({ tool_calls: calls = [] }) => calls.map(({ id }) => id));
    const told = body.messages.flatMap(({ tool_call_id: id }) => (id === undefined ? [] : [id]));
    expect(told.toSorted()).toEqual(asked.toSorted());
  }

  /** The session goes on as if nothing had been. */
  async expectOrdinaryTurn(): Promise<void> {
    const view = await this.watcher.settled(await this.watcher.send('#next tokens=2'));
    expect(view.outcome).toBe('completed');
    this.expectWellFormed();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve(this.watcher[Symbol.asyncDispose]());
  }
}

export async function openToolSession({ cluster, world }: ToolFleet): Promise<ToolSession> {
  world.forget();
  cluster.model.reset();
  return new ToolSession(cluster, await startSession(cluster.urls[0] ?? ''));
}
