/**
 * What the benches say to the model and how it answers. A token carries its number and the moment it was produced, so
 * that whoever reads the text knows both the lag of each token and whether any was lost or repeated.
 */

export interface Prompt {
  readonly tokens: number;
  /** Tokens a second; 0: as fast as they can be written. */
  readonly perSecond: number;
}

/** Every message of the benches has this many bytes. */
export const MESSAGE_BYTES = 200;

const DIRECTIVE = /bench (\d+) tokens at (\d+) per second/;

/** A call of a tool, and then 20 tokens once it has its result. */
export interface CallPrompt {
  readonly tool: string;
  readonly input: object;
}

const CALL = /bench call (\w+) (\{.*?\})\./;

export const callText = ({ tool, input }: CallPrompt): string =>
  `bench call ${tool} ${JSON.stringify(input)}. `.padEnd(MESSAGE_BYTES, 'and on it goes ');

export function parseCall(text: string): CallPrompt | undefined {
  const [, tool, input] = CALL.exec(text) ?? [];
  return tool && input ? { tool, input: JSON.parse(input) as object } : undefined;
}

export const promptText = ({ tokens, perSecond }: Prompt): string =>
  `bench ${tokens} tokens at ${perSecond} per second. `.padEnd(MESSAGE_BYTES, 'and on it goes ');

export function parsePrompt(text: string): Prompt | undefined {
  const found = DIRECTIVE.exec(text);
  return found ? { tokens: Number(found[1]), perSecond: Number(found[2]) } : undefined;
}

/** Milliseconds since the epoch with a fraction; the same clock in every process of this machine. */
export const clock = (): number => performance.timeOrigin + performance.now();

/** Tenths of milliseconds, wrapped so that a token stays short: 2.7 hours are far more than a bench takes. */
const WRAP = 1e8;

export const tokenText = (number: number, at: number): string =>
  `${number}@${Math.floor(at * 10) % WRAP} `;

/** Milliseconds between a token's stamp and `now`. */
export const lagMs = (stamp: number, now: number): number =>
  (((Math.floor(now * 10) % WRAP) - stamp + WRAP) % WRAP) / 10;

const TOKEN = /(\d+)@(\d+) /g;

export interface Token {
  readonly number: number;
  readonly stamp: number;
}

/** The whole tokens of a text, in order. */
export const tokensOf = (text: string): Token[] =>
  Array.from(text.matchAll(TOKEN), (found) => ({
    number: Number(found[1]),
    stamp: Number(found[2]),
  }));

export interface Exactness {
  readonly lost: number;
  readonly duplicated: number;
  /** Order or bytes differ though the counts agree. */
  readonly garbled: boolean;
}

/** Compares an answer with the one that the model gave: tokens 1 to `expected`, each once, nothing else. */
export function exactness(text: string, expected: number): Exactness {
  const numbers = tokensOf(text).map((token) => token.number);
  const distinct = new Set(numbers);
  const inOrder = numbers.every((number, index) => number === index + 1);
  return {
    lost: expected - distinct.size,
    duplicated: numbers.length - distinct.size,
    garbled: !inOrder || text.replaceAll(TOKEN, '') !== '',
  };
}
