/** The oldest part of a conversation is replaced by a summary of the model's own: a call that the step pays for. */
import type { TranscriptMessage } from '../../../contracts/transcript.ts';
import { NO_USAGE, addSpend } from '../../../contracts/usage.ts';
import type { Usage } from '../../../contracts/usage.ts';
import type { Answer } from '../answer-collector.ts';
import type { ModelStep } from '../model-step.ts';
import { begunCall, spendOf, timeoutsOf } from '../model-step.ts';
import type { CallableModel } from '../providers.ts';
import { usageRecorded } from '../settlement.ts';
import { rowText } from './measure.ts';
import { cutMiddle } from '../../../contracts/cut-middle.ts';
import { SUMMARY_INSTRUCTIONS, conversationText, deterministicSummary } from './summarize.ts';
import { TOKENS_PER_MESSAGE } from './tokens.ts';

/** Most of a summary's tokens; less in a small window. */
const SUMMARY_TOKENS = 1_024;
const SUMMARY_SHARE = 1 / 8;
/** Where cutting begins; what still has too many tokens is cut further. */
const CHARACTERS_PER_TOKEN = 2;

interface Compaction {
  readonly model: CallableModel;
  /** Of an answer. */
  readonly maxOutputTokens: number;
  readonly older: readonly TranscriptMessage[];
  readonly tokensOf: (text: string) => number;
}

const summaryTokens = ({ model, maxOutputTokens }: Compaction): number =>
  Math.max(
    16,
    Math.min(
      SUMMARY_TOKENS,
      maxOutputTokens,
      Math.floor(model.settings.contextTokens * SUMMARY_SHARE),
    ),
  );

/** What is to be summarized, as far as it fits into the window beside its summary. */
function question(compaction: Compaction): string {
  const { model, older, tokensOf } = compaction;
  const room =
    model.settings.contextTokens -
    summaryTokens(compaction) -
    tokensOf(SUMMARY_INSTRUCTIONS) -
    2 * TOKENS_PER_MESSAGE;
  let characters = room * CHARACTERS_PER_TOKEN;
  let content = conversationText(older, characters);
  while (tokensOf(content) > room && characters > 1)
    content = conversationText(older, (characters = Math.floor(characters / 1.5)));
  return content;
}

/** A call for a summary, of which is known at each moment what it may have used. */
class SummaryCall {
  readonly #step: ModelStep;
  readonly #compaction: Compaction;
  readonly #content: string;
  readonly #inputTokens: number;
  #streamed = '';

  constructor(step: ModelStep, compaction: Compaction) {
    this.#step = step;
    this.#compaction = compaction;
    this.#content = question(compaction);
    this.#inputTokens = compaction.tokensOf(`${SUMMARY_INSTRUCTIONS}\n${this.#content}`);
  }

  get usage(): Usage {
    const outputTokens = this.#streamed === '' ? 0 : this.#compaction.tokensOf(this.#streamed);
    return { ...NO_USAGE, inputTokens: this.#inputTokens, outputTokens };
  }

  /** @throws the provider's failure, which counts like one of the answer itself */
  async run(): Promise<Answer> {
    const step = this.#step;
    const { model } = this.#compaction;
    const begun = begunCall(model, this.#inputTokens);
    await step.deps.journal.steps.append(step.attempt, [], begun);
    step.unsaid = () => spendOf(model, this.usage);
    return step.memory.ask(
      {
        model,
        instructions: SUMMARY_INSTRUCTIONS,
        messages: [{ role: 'user', content: this.#content }],
        tools: [],
        maxOutputTokens: summaryTokens(this.#compaction),
      },
      {
        onText: (_, text) => {
          this.#streamed += text;
          return undefined;
        },
        onFirstPart: () => undefined,
      },
      { stop: step.liveness.signal, timeouts: timeoutsOf(step) },
    );
  }
}

export async function compact(step: ModelStep, compaction: Compaction): Promise<void> {
  const { model, older, tokensOf } = compaction;
  const last = older.at(-1);
  if (!last) return;
  const call = new SummaryCall(step, compaction);
  const answer = await call.run();
  const limit = summaryTokens(compaction) * CHARACTERS_PER_TOKEN;
  const text =
    answer.text.trim() === ''
      ? deterministicSummary(older, limit)
      : cutMiddle(answer.text.trim(), limit * 2);
  const spend = spendOf(model, answer.usage ?? call.usage);
  const beforeTokens = older.reduce((sum, row) => sum + tokensOf(rowText(row)), 0);
  await step.deps.journal.steps.summarize(step.attempt, {
    text,
    through: last.position,
    spend,
    events: [
      usageRecorded(model, spend, { estimated: !answer.usage }),
      {
        type: 'context.compacted',
        data: { beforeTokens, afterTokens: tokensOf(text), throughMessage: last.id },
      },
    ],
  });
  step.unsaid = undefined;
  step.extraSpend = addSpend(step.extraSpend, spend);
}
