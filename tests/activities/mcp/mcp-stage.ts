/** A worker's activities with MCP servers: a model that calls a tool, and what became of the call. */
import { expect, vi } from 'vitest';
import { mcpSource } from '../../../activities/tools/mcp/source.ts';
import type { McpSource } from '../../../activities/tools/mcp/source.ts';
import type { EventOf } from '../../../contracts/events.ts';
import type { McpServers } from '../../../contracts/mcp.ts';
import { scriptedModel } from '../../../testing/scripted-model.ts';
import type { ScriptedModel } from '../../../testing/scripted-model.ts';
import { createMetrics } from '../../../telemetry/metrics.ts';
import { openStage } from '../stage.ts';
import type { Stage, StageOptions } from '../stage.ts';

/** Each test starts programs, on machines that do other things too. */
vi.setConfig({ testTimeout: 120_000 });
const WAIT_MS = 60_000;

export interface McpStage extends Stage {
  readonly model: ScriptedModel;
  readonly source: McpSource;
  /** What the next step's model is offered of the servers. */
  offered(): Promise<readonly string[]>;
  /** Waits until it is offered anything of them. */
  offersSome(): Promise<readonly string[]>;
  /** Waits until it is offered these. */
  offers(names: readonly unknown[]): Promise<void>;
  /** Waits for a line in the log. */
  says(text: string): Promise<string>;
  /** What a gauge says of a server. */
  gauge(name: string, server: string): Promise<number | undefined>;
  /** A model calls the tool; Temporal tries as often as the activity lets it. */
  call(name: string, input?: object, tries?: number): Promise<EventOf<'tool.settled'>['data']>;
}

export async function mcpStage(servers: McpServers, options: StageOptions = {}): Promise<McpStage> {
  const model = scriptedModel([]);
  const metrics = createMetrics();
  let source: McpSource | undefined;
  const stage = await openStage({
    agent: { tools: Object.keys(servers).map((name) => `${name}__*`) },
    ...options,
    resolver: model.resolver,
    sources: (parts) => [
      (source = mcpSource({ ...parts, metrics, servers, timeouts: { commandMs: 60_000 } })),
    ],
  });
  const mcp = source!;
  await mcp.start();
  const offered = async (): Promise<readonly string[]> => {
    const { agent, ...session } = { ...(await stage.journal.sessions.get(stage.sessionId))! };
    const definitions = await mcp.offered({
      ...session,
      agentName: agent,
      agent: {} as never,
      sessionTools: [],
      runner: null,
      names: () => true,
    });
    return definitions.map(({ name }) => name).toSorted();
  };
  return {
    ...stage,
    model,
    source: mcp,
    offered,
    offersSome: () =>
      vi.waitFor(
        async () => {
          const names = await offered();
          expect(names).not.toEqual([]);
          return names;
        },
        { timeout: WAIT_MS },
      ),
    offers: (names) =>
      vi.waitFor(async () => expect(await offered()).toEqual(names), { timeout: WAIT_MS }),
    says: (text) =>
      vi.waitFor(() => stage.logged.find((line) => line.includes(text)) ?? notSaid(text, stage), {
        timeout: WAIT_MS,
      }),
    gauge: async (name, server) => {
      const { values } = (await metrics.registry.getMetricsAsJSON()).find(
        (metric) => metric.name === name,
      ) as unknown as { values: { labels: { server?: string }; value: number }[] };
      return values.find(({ labels }) => labels.server === server)?.value;
    },
    call: (name, input = {}, tries = 3) => call({ ...stage, model }, { name, input, tries }),
    [Symbol.asyncDispose]: async () => {
      await mcp[Symbol.asyncDispose]();
      await stage[Symbol.asyncDispose]();
    },
  };
}

const notSaid = (text: string, { logged }: Stage): never => {
  throw new Error(`nobody said "${text}":\n${logged.join('')}`);
};

async function call(
  stage: Stage & { readonly model: ScriptedModel },
  { name, input, tries }: { name: string; input: object; tries: number },
): Promise<EventOf<'tool.settled'>['data']> {
  stage.model.add({ calls: [{ name, input }] });
  const step = stage.message(`call ${name}`);
  const result = await stage.callModel(step);
  if (result.outcome !== 'tool_calls') throw new Error(result.outcome);
  const [asked] = result.calls;
  if (!asked) throw new Error('no call');
  for (let attempt = 1; !asked.settled && attempt <= tries; attempt += 1) {
    const done = await stage.executeTool(step, asked, { attempt }).catch((error: unknown) => error);
    if (typeof done === 'string') break;
    if (attempt === tries) throw done;
  }
  const settled = (await stage.eventsOf('tool.settled')).find(
    ({ data }) => data.callId === asked.callId,
  );
  return settled!.data;
}
