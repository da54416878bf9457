/** Our own figures, for Prometheus; Temporal's come beside them from its runtime. */
import { Histogram, Registry, collectDefaultMetrics } from 'prom-client';

/** Milliseconds in, seconds out: Prometheus' own unit. */
const seconds = (milliseconds: number): number => milliseconds / 1_000;

const MODEL_SECONDS = [0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 120, 300, 600];

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

export interface Metrics {
  readonly registry: MergedRegistry;
  firstToken(labels: { provider: string; model: string }, ms: number): void;
  modelSettled(labels: { provider: string; model: string; outcome: string }, ms: number): void;
  toolSettled(labels: { tool: string; outcome: string }, ms: number): void;
}

export function createMetrics(): Metrics {
  const registry = new MergedRegistry();
  collectDefaultMetrics({ register: registry });
  const registers = [registry];
  const firstToken = new Histogram({
    name: 'perdure_model_first_token_seconds',
    help: 'From the request to the first part of the answer.',
    labelNames: ['provider', 'model'],
    buckets: MODEL_SECONDS,
    registers,
  });
  const modelSteps = new Histogram({
    name: 'perdure_model_step_seconds',
    help: 'One attempt of a model step, by its outcome.',
    labelNames: ['provider', 'model', 'outcome'],
    buckets: MODEL_SECONDS,
    registers,
  });
  const tools = new Histogram({
    name: 'perdure_tool_seconds',
    help: 'One tool call in a worker, by its outcome.',
    labelNames: ['tool', 'outcome'],
    buckets: MODEL_SECONDS,
    registers,
  });
  return {
    registry,
    firstToken: (labels, ms) => firstToken.observe(labels, seconds(ms)),
    modelSettled: (labels, ms) => modelSteps.observe(labels, seconds(ms)),
    toolSettled: (labels, ms) => tools.observe(labels, seconds(ms)),
  };
}
