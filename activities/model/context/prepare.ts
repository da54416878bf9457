/** Everything that a provider is sent for a step, within its window. Compacts the transcript where it must. */
import type { ModelMessage } from 'ai';
import { PerdureError } from '../../../contracts/perdure-error.ts';
import { estimateTokens } from '../../../contracts/token-estimate.ts';
import type { TranscriptMessage } from '../../../contracts/transcript.ts';
import type { ModelStep } from '../model-step.ts';
import type { CallableModel } from '../providers.ts';
import type { OfferedTools } from '../../tools/offered-tools.ts';
import { declarations, offeredTo, offeredTools } from '../../tools/offered-tools.ts';
import { inlineArtifacts } from './artifacts.ts';
import { compact } from './compact.ts';
import { measured, messagesIn } from './measure.ts';
import { toModelMessages } from './messages.ts';
import { planContext } from './plan.ts';
import type { ContextPlan } from './plan.ts';
import { systemPrompt } from './prompt.ts';
import type { InResults } from './results.ts';
import { imageTokensOf, readImages, seesImages, takesImagesInResults } from './seen-images.ts';
import type { SeenImages } from './seen-images.ts';
import { TOKENS_PER_MESSAGE, mostTokens, tokenCounter } from './tokens.ts';
import type { TokenCounter } from './tokens.ts';

export interface PreparedRequest {
  readonly instructions: string;
  readonly messages: ModelMessage[];
  readonly offered: OfferedTools;
  readonly maxOutputTokens: number;
  /** Of the whole request, for reservations and for calls that were cut off. */
  readonly inputTokens: number;
  /** The same without any correction, to learn from; 0 where there is nothing to learn. */
  readonly estimatedTokens: number;
}

interface Frame {
  readonly model: CallableModel;
  readonly instructions: string;
  readonly offered: OfferedTools;
  readonly maxOutputTokens: number;
  /** Tokens for the transcript. */
  budgetOf(counter: TokenCounter): number;
  readonly fixedText: string;
}

/** At most half of the window is kept for the answer, whatever is configured: the question needs room too. */
const answerTokens = (model: CallableModel): number =>
  Math.min(model.settings.maxOutputTokens, Math.floor(model.settings.contextTokens / 2));

async function frameOf(step: ModelStep, model: CallableModel): Promise<Frame> {
  const { session, agent, deps } = step;
  const instructions = systemPrompt(agent, {
    agent: session.agent,
    workspace: session.workspace,
    model: model.name,
    date: new Date().toISOString().slice(0, 10),
  });
  const offered = await offeredTools(deps.tools.sources, offeredTo(session, agent));
  const maxOutputTokens = answerTokens(model);
  const fixedText = `${instructions}\n${JSON.stringify(declarations(offered))}`;
  const overhead = TOKENS_PER_MESSAGE * (2 + offered.size);
  const room = model.settings.contextTokens - maxOutputTokens - overhead;
  return {
    model,
    instructions,
    offered,
    maxOutputTokens,
    fixedText,
    budgetOf: (counter) => room - counter.count(fixedText),
  };
}

const PLAIN: TokenCounter = { count: estimateTokens, exact: false };
const CEILING: TokenCounter = { count: mostTokens, exact: false };

/** A transcript as its model may read it. */
interface Readable {
  readonly rows: readonly TranscriptMessage[];
  readonly images: SeenImages;
  readonly inResults: InResults;
}

/** True for most conversations, and cheap: no tokenizer is loaded, nothing is estimated. */
function fitsSurely(frame: Frame, { rows, images }: Readable): boolean {
  const room = frame.budgetOf(CEILING);
  let most = 0;
  return rows.every((row) => {
    most += measured(row).mostTokens + messagesIn(row) * TOKENS_PER_MESSAGE;
    most += imageTokensOf(row, images);
    return most <= room;
  });
}

function plan(
  step: ModelStep,
  frame: Frame,
  input: Readable & {
    counter: TokenCounter;
    scope: string;
    mayCompact: boolean;
  },
): ContextPlan {
  const scope = `${step.session.sessionId}/${input.scope}`;
  return planContext({
    rows: input.rows,
    turn: step.input.turn,
    budget: frame.budgetOf(input.counter),
    count: (row) =>
      step.memory.rowCounts.count(scope, row, input.counter) + imageTokensOf(row, input.images),
    mayCompact: input.mayCompact,
  });
}

async function read(step: ModelStep, model: CallableModel): Promise<Readable> {
  const { events, artifacts } = step.deps.journal;
  const { sessionId, tenant } = step.session;
  const rows = await step.memory.transcripts.read(events, sessionId);
  const reader = { artifacts, tenant };
  const inlined = await inlineArtifacts(rows, reader, {
    turn: step.input.turn,
    contextTokens: model.settings.contextTokens,
  });
  if (!seesImages(model)) return { rows: inlined, images: new Map(), inResults: undefined };
  const inResults = takesImagesInResults(model);
  const images = await readImages(rows, reader, { inResults });
  return { rows: inlined, images, inResults: inResults ? 'shown' : 'refused' };
}

/** @throws {PerdureError} `context_too_long` where the person's own words do not fit */
export async function prepareRequest(
  step: ModelStep,
  model: CallableModel,
): Promise<PreparedRequest> {
  const frame = await frameOf(step, model);
  const correction = step.memory.corrections.of(model.name);
  let readable = await read(step, model);
  if (fitsSurely(frame, readable)) return request(step, frame, readable);
  const counter = await tokenCounter(model.settings.model, correction);
  const scope = counter.exact ? 'exact' : `${model.name}/${correction.toFixed(3)}`;
  let planned = plan(step, frame, { ...readable, counter, scope, mayCompact: true });
  if (planned.kind === 'compact') {
    const tokensOf = (text: string): number => counter.count(text);
    await compact(step, { ...frame, older: planned.older, tokensOf });
    readable = await read(step, model);
    planned = plan(step, frame, { ...readable, counter, scope, mayCompact: false });
  }
  if (planned.kind !== 'fits')
    throw new PerdureError(
      'context_too_long',
      `This message needs more room than the model "${model.name}" has (${model.settings.contextTokens} tokens, of which ${frame.maxOutputTokens} are kept for the answer).`,
    );
  return request(step, frame, { ...readable, rows: planned.rows });
}

function request(step: ModelStep, frame: Frame, readable: Readable): PreparedRequest {
  const { rows, images, inResults } = readable;
  const scope = `${step.session.sessionId}/plain`;
  const { name, provider } = frame.model;
  const textTokens = rows.reduce(
    (sum, row) => sum + step.memory.rowCounts.count(scope, row, PLAIN),
    estimateTokens(frame.fixedText),
  );
  const seenTokens = rows.reduce((sum, row) => sum + imageTokensOf(row, images), 0);
  return {
    instructions: frame.instructions,
    messages: toModelMessages(rows, { provider, images, inResults }),
    offered: frame.offered,
    maxOutputTokens: frame.maxOutputTokens,
    // What is reported counts images too: next to their generous figure it would say nothing about text.
    estimatedTokens: seenTokens > 0 ? 0 : textTokens,
    inputTokens: Math.ceil(textTokens * step.memory.corrections.of(name)) + seenTokens,
  };
}
