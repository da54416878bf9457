/** Our own figures, for Prometheus; Temporal's come beside them from its runtime. */
import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client';
import type { PerdureEvent } from '../contracts/events.ts';
import { eventCounters } from './event-counters.ts';

/** Milliseconds in, seconds out: Prometheus' own unit. */
const seconds = (milliseconds: number): number => milliseconds / 1_000;

const MODEL_SECONDS = [0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 120, 300, 600];
const COMMIT_SECONDS = [0.0005, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1, 10];
const BATCH_SIZES = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512];

/** A registry that also tells what another part of the process counts by itself, such as Temporal's native core. */
export class MergedRegistry extends Registry {
  readonly #others: (() => Promise<string>)[] = [];

  /** @param read Prometheus text; must not throw */
  merge(read: () => Promise<string>): void {
    this.#others.push(read);
  }

  override async metrics(): Promise<string> {
    const texts = await Promise.all([super.metrics(), ...this.#others.map((read) => read())]);
    return texts.join('\n');
  }
}

/** A committed transaction of the journal, as it reports it. */
export interface Batch {
  readonly operations: number;
  readonly ms: number;
  readonly events: readonly PerdureEvent[];
}

export interface Metrics {
  readonly registry: MergedRegistry;
  firstToken(labels: { provider: string; model: string }, ms: number): void;
  modelSettled(labels: { provider: string; model: string; outcome: string }, ms: number): void;
  toolSettled(labels: { tool: string; outcome: string }, ms: number): void;
  circuit(provider: string, open: boolean): void;
  mcpConnected(server: string, connected: boolean): void;
  mcpWaiting(server: string, tools: number): void;
  batch(batch: Batch): void;
}

export function createMetrics(): Metrics {
  const registry = new MergedRegistry();
  collectDefaultMetrics({ register: registry });
  return {
    registry,
    ...modelMetrics(registry),
    ...mcpMetrics(registry),
    ...journalMetrics(registry),
  };
}

function modelMetrics(
  registry: Registry,
): Pick<Metrics, 'firstToken' | 'modelSettled' | 'toolSettled' | 'circuit'> {
  const registers = [registry];
  const buckets = MODEL_SECONDS;
  const firstToken = new Histogram({
    name: 'perdure_model_first_token_seconds',
    help: 'From the request to the first part of the answer.',
    labelNames: ['provider', 'model'],
    ...{ buckets, registers },
  });
  const modelSteps = new Histogram({
    name: 'perdure_model_step_seconds',
    help: 'One attempt of a model step, by its outcome.',
    labelNames: ['provider', 'model', 'outcome'],
    ...{ buckets, registers },
  });
  const tools = new Histogram({
    name: 'perdure_tool_seconds',
    help: 'One tool call in a worker, by its outcome.',
    labelNames: ['tool', 'outcome'],
    ...{ buckets, registers },
  });
  const circuits = new Gauge({
    name: 'perdure_model_circuit_open',
    help: '1 while the circuit breaker of a provider is open in this worker.',
    labelNames: ['provider'],
    registers,
  });
  return {
    firstToken: (labels, ms) => firstToken.observe(labels, seconds(ms)),
    modelSettled: (labels, ms) => modelSteps.observe(labels, seconds(ms)),
    toolSettled: (labels, ms) => tools.observe(labels, seconds(ms)),
    circuit: (provider, open) => circuits.set({ provider }, open ? 1 : 0),
  };
}

function mcpMetrics(registry: Registry): Pick<Metrics, 'mcpConnected' | 'mcpWaiting'> {
  const shared = { labelNames: ['server'], registers: [registry] };
  const connected = new Gauge({
    name: 'perdure_mcp_connected',
    help: '1 while this worker is connected to an MCP server.',
    ...shared,
  });
  const waiting = new Gauge({
    name: 'perdure_mcp_tools_waiting',
    help: 'New or changed tools of an MCP server that wait for an approval.',
    ...shared,
  });
  return {
    mcpConnected: (server, is) => connected.set({ server }, is ? 1 : 0),
    mcpWaiting: (server, tools) => waiting.set({ server }, tools),
  };
}

function journalMetrics(registry: Registry): Pick<Metrics, 'batch'> {
  const registers = [registry];
  const sizes = new Histogram({
    name: 'perdure_journal_batch_operations',
    help: 'Operations that one transaction of the journal committed together.',
    buckets: BATCH_SIZES,
    registers,
  });
  const commits = new Histogram({
    name: 'perdure_journal_commit_seconds',
    help: 'Time of one transaction of the journal.',
    buckets: COMMIT_SECONDS,
    registers,
  });
  const events = new Counter({
    name: 'perdure_events_total',
    help: 'Events committed to the journal, by type.',
    labelNames: ['type'],
    registers,
  });
  const count = eventCounters(registry);
  return {
    batch: (batch) => {
      sizes.observe(batch.operations);
      commits.observe(seconds(batch.ms));
      for (const event of batch.events) {
        events.inc({ type: event.type });
        count(event);
      }
    },
  };
}
