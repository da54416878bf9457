/** One request to a provider and its answer on the way into the journal. */
import type { StepSettlement } from '../../journal/port.ts';
import type { ContentKind, NewEvent } from '../../contracts/events.ts';
import type { Spend, Usage } from '../../contracts/usage.ts';
import { approvalRules, judgeCalls } from '../tools/judged-calls.ts';
import { absenceFrom } from '../tools/offered-tools.ts';
import { requestCalls } from '../tools/requested-calls.ts';
import { declarations } from '../tools/offered-tools.ts';
import type { Request } from '../tools/requested-calls.ts';
import type { Reservation } from './allowance.ts';
import { cleanText } from '../../contracts/clean-text.ts';
import { TextCleaner } from './clean-text.ts';
import type { PreparedRequest } from './context/prepare.ts';
import { estimateTokens } from '../../contracts/token-estimate.ts';
import { DeltaWriter } from './delta-writer.ts';
import { classifyFailure } from './failure.ts';
import type { ModelStep } from './model-step.ts';
import { begunCall, spendOf, timeoutsOf } from './model-step.ts';
import type { CallableModel } from './providers.ts';
import { answerSettlement } from './settlement.ts';
import type { Answer } from './answer-collector.ts';

export interface CallPlan {
  readonly prepared: PreparedRequest;
  readonly reservation: Reservation;
}

export class Call {
  readonly #step: ModelStep;
  readonly #model: CallableModel;
  readonly #plan: CallPlan;
  readonly #writer: DeltaWriter;
  readonly #cleaners = { text: new TextCleaner(), reasoning: new TextCleaner() };
  readonly #startedAt = performance.now();
  #streamed = '';
  #sent = false;
  #measured = false;

  constructor(step: ModelStep, model: CallableModel, plan: CallPlan) {
    this.#step = step;
    this.#model = model;
    this.#plan = plan;
    this.#writer = new DeltaWriter({
      journal: step.deps.journal,
      attempt: step.attempt,
      begun: begunCall(model, plan.prepared.inputTokens),
      lastSeq: step.session.lastSeq,
      onStop: (reason, cause) => step.liveness.stop(reason, cause),
    });
  }

  /** @throws whatever ends the call without an answer; see `classifyFailure` */
  async run(): Promise<StepSettlement> {
    const model = this.#model;
    const answer = await this.#step.memory.breakers.guard(model.provider, {
      begin: (onFirstPart) => this.#stream(onFirstPart),
      isOutage: (error) => !this.#step.liveness.signal.aborted && classifyFailure(error).outage,
    });
    const rest = await this.#writer.close();
    this.#step.liveness.signal.throwIfAborted();
    this.#learn(answer.usage);
    this.#measure('completed');
    const { offered: tools } = this.#plan.prepared;
    const { agent, deps, memory } = this.#step;
    const absence = absenceFrom(deps.tools.sources, agent);
    const checks = { tools, checker: memory.checker, absence };
    return answerSettlement(this.#step, {
      model,
      rest,
      answer: { ...answer, text: cleanText(answer.text), reasoning: cleanText(answer.reasoning) },
      spend: spendOf(model, answer.usage ?? this.#estimatedUsage()),
      requests: await this.#judged(requestCalls(answer.calls, checks)),
      limitedBy: this.#plan.reservation.limitedBy,
    });
  }

  /**
   * What streamed is void: waits only for the write under way, so that nothing comes after the failure's own events.
   * @returns that the call had begun, where it failed before that was written: for the failure's transaction
   */
  async close(): Promise<readonly NewEvent[]> {
    this.#measure('failed');
    const rest = await this.#writer.close();
    return rest.filter(({ type }) => type === 'model.started');
  }

  /** Nothing more is written, and nothing is waited for. */
  end(): void {
    this.#measure('stopped');
    this.#writer.end();
  }

  /** Of a call that ended without saying what it used; undefined where nothing was sent. */
  estimatedSpend(): Spend | undefined {
    return this.#sent ? spendOf(this.#model, this.#estimatedUsage()) : undefined;
  }

  #stream(onFirstPart: () => void): Promise<Answer> {
    const { prepared, reservation } = this.#plan;
    const { liveness, deps } = this.#step;
    const { provider, name } = this.#model;
    this.#writer.start({ type: 'model.started', data: { provider, model: name } });
    this.#sent = true;
    return this.#step.memory.ask(
      {
        model: this.#model,
        instructions: prepared.instructions,
        messages: prepared.messages,
        tools: declarations(prepared.offered),
        maxOutputTokens: reservation.maxOutputTokens,
      },
      {
        onFirstPart: () => {
          onFirstPart();
          deps.metrics?.firstToken(this.#labels, performance.now() - this.#startedAt);
        },
        onText: (kind, text) => this.#take(kind, text),
      },
      { stop: liveness.signal, timeouts: timeoutsOf(this.#step) },
    );
  }

  #judged(requests: readonly Request[]): Promise<readonly Request[]> {
    const { session, deps, agent, liveness } = this.#step;
    const { sessionId, workspace } = session;
    const { approvalMs: waitMs, previewMs } = deps.timeouts;
    return judgeCalls(requests, {
      ...{ sessionId, workspace, waitMs, previewMs },
      tools: this.#plan.prepared.offered,
      rules: approvalRules(session.agent, agent, deps.catalogue),
      signal: liveness.signal,
    });
  }

  #take(kind: ContentKind, text: string): Promise<void> | undefined {
    this.#streamed += text;
    return this.#writer.push(kind, this.#cleaners[kind].push(text));
  }

  #estimatedUsage(): Usage {
    return {
      inputTokens: this.#plan.prepared.inputTokens,
      outputTokens: this.#streamed === '' ? 0 : estimateTokens(this.#streamed),
      cachedInputTokens: 0,
      reasoningTokens: 0,
    };
  }

  #learn(usage: Usage | undefined): void {
    const { estimatedTokens } = this.#plan.prepared;
    if (usage)
      this.#step.memory.corrections.learn(this.#model.name, estimatedTokens, usage.inputTokens);
  }

  get #labels(): { provider: string; model: string } {
    return { provider: this.#model.provider, model: this.#model.name };
  }

  #measure(outcome: 'completed' | 'failed' | 'stopped'): void {
    if (this.#measured) return;
    this.#measured = true;
    this.#step.deps.metrics?.modelSettled(
      { ...this.#labels, outcome },
      performance.now() - this.#startedAt,
    );
  }
}
