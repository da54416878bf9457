/**
 * How many tokens a text has: exactly for OpenAI's models, whose tokenizer is public; estimated for others, plus 10 %, corrected by what the
 * provider reports. Estimates err on the high side: too many costs some room, too few costs the whole request.
 */

import { estimateTokens } from '../../../contracts/token-estimate.ts';

export interface TokenCounter {
  count(text: string): number;
  /** True where `count` is the provider's own tokenizer. */
  readonly exact: boolean;
}

/** Tokens that a provider adds around each message and each tool. */
export const TOKENS_PER_MESSAGE = 8;
/** A token is at least a byte: cheap, and enough to see that most conversations fit without counting. */
export const mostTokens = (text: string): number => Buffer.byteLength(text);

/**
 * The tokenizer takes time that is quadratic in a word's length (80,000 letters: 20 s): what has words that nobody writes is counted in
 * pieces, each cut at most a token too many.
 */
const PIECE_CHARACTERS = 512;
const LONG_WORD = new RegExp(`\\S{${PIECE_CHARACTERS}}|\\s{${PIECE_CHARACTERS}}`);
const PIECE = new RegExp(`[^]{1,${PIECE_CHARACTERS}}`, 'gu');

const pieces = (text: string): readonly string[] =>
  LONG_WORD.test(text) ? (text.match(PIECE) ?? []) : [text];

type Encode = (text: string) => number;
let o200k: Promise<Encode> | undefined;

/** 2 MB of ranks: loaded by the first session that comes near its window, never before. */
const loadO200k = (): Promise<Encode> =>
  (o200k ??= import('gpt-tokenizer/encoding/o200k_base').then(
    ({ countTokens }) =>
      (text) =>
        pieces(text).reduce(
          (sum, piece) => sum + countTokens(piece, { disallowedSpecial: new Set() }),
          0,
        ),
  ));

const OPENAI_MODEL = /^(?:openai\/)?(?:gpt-|o\d|chatgpt-)/;

/** @param correction reported ÷ estimated of earlier calls, see {@link Corrections} */
export async function tokenCounter(model: string, correction: number): Promise<TokenCounter> {
  if (OPENAI_MODEL.test(model)) return { count: await loadO200k(), exact: true };
  return {
    count: (text) => Math.ceil(estimateTokens(text) * correction),
    exact: false,
  };
}

/** Below this the fixed parts of a request would drown the ratio. */
const MIN_TOKENS_TO_LEARN = 500;
const MIN_CORRECTION = 0.6;
const MAX_CORRECTION = 4;
/** How slowly a high ratio is forgotten: the next conversation may be in the language that caused it. */
const FORGETTING = 0.1;

/** What providers reported against what was estimated, a model. Kept in the worker only: after a restart it is learned again. */
export class Corrections {
  readonly #ratios = new Map<string, number>();

  of(model: string): number {
    return this.#ratios.get(model) ?? 1;
  }

  /** @param estimated without any correction */
  learn(model: string, estimated: number, reported: number): void {
    if (estimated < MIN_TOKENS_TO_LEARN || reported <= 0) return;
    const seen = Math.min(MAX_CORRECTION, Math.max(MIN_CORRECTION, reported / estimated));
    const before = this.of(model);
    this.#ratios.set(model, seen > before ? seen : before + (seen - before) * FORGETTING);
  }

  /** The provider says that a request was too long which we thought would fit. */
  distrust(model: string): void {
    this.#ratios.set(model, Math.min(MAX_CORRECTION, this.of(model) * 1.5));
  }
}
